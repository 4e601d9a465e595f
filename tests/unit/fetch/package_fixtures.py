"""The fixtures of the tests of apt: a machine whose apt knows a single archive, on loopback."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import http_server
import pytest
from package_archive import SUITE, Archive


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch"]
    make = ["--passphrase", "", "--quick-gen-key", "Archive <a@example>", "ed25519", "sign", "0"]
    subprocess.run([*gpg, *make], check=True, capture_output=True)
    with (home / "key.gpg").open("wb") as file:
        subprocess.run([*gpg, "--export"], check=True, stdout=file)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


@pytest.fixture
def archive(
    tmp_path: Path, keys: Path, no_proxy: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Archive]:
    """Make this machine's apt one that knows a single archive, on loopback."""
    with http_server.running() as server:
        key = tmp_path / "key.gpg"
        shutil.copyfile(keys / "key.gpg", key)
        tmp_path.chmod(0o755)
        line = f"deb [signed-by={key}] {server.url} {SUITE} main\n"
        (tmp_path / "sources.list").write_text(line)
        (tmp_path / "empty").mkdir()
        (tmp_path / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\n'
            f'Dir::Etc::sourceparts "{tmp_path}/empty";\n'
            f'Dir::Etc::parts "{tmp_path}/empty";\n'
            f'Dir::State::lists "{tmp_path}/empty";\n'
            'Acquire::Retries "0";\n'
        )
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
        yield Archive(tmp_path / "archive", keys, server)
