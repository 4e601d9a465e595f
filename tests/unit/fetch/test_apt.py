"""Files from a distribution's archive: signed or refused, and never by the system's own state.

The archive is a real one, made and signed here, and given to apt by APT_CONFIG as a machine's own
configuration would be; the last tests ask the distribution's.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from package_archive import ORIGIN, SUITE, Archive, deb, kernel, packages, refusal

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt
from fetch.deb import unpack_deb

ROOT = Path(__file__).parents[3]
pytest_plugins = ("package_fixtures",)
TOOLS = ("apt-get", "apt-cache", "gpg", "dpkg-deb")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


@pytest.fixture
def published(archive: Archive, tmp_path: Path) -> bytes:
    """The package that the archive has."""
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    return data


def test_signed_package_is_given_and_cached(
    archive: Archive, settings: Settings, published: bytes
) -> None:
    path = kernel(settings)
    assert path.name == hashlib.sha256(published).hexdigest()
    assert path.read_bytes() == published
    before = len(archive.server.requests)
    assert kernel(settings) == path
    assert kernel(settings._replace(offline=True)) == path
    assert len(archive.server.requests) == before


def test_only_the_index_of_the_architecture_is_downloaded(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    data = deb(tmp_path)
    archive.publish(
        packages(data) | {"main/source/Sources": b"x"} | {"main/i18n/Translation-en": b"x"}
    )
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    kernel(settings)
    asked = [path for path in archive.server.paths if "InRelease" not in path]
    assert asked == [
        f"/dists/{SUITE}/main/binary-arm64/Packages",
        "/pool/kernel_1.0_arm64.deb",
    ]


def test_dependencies_are_named(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    found = apt.depends("kernel", suite=SUITE, arch="arm64", settings=settings)
    assert found == ("linux-image-6.1-arm64", "libc6")


def test_unsigned_archive_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"), sign=False)
    assert f"'{archive.server.url} {SUITE} Release' is not signed" in refusal(settings)


def test_tampered_release_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    signed: list[bytes] = []

    class Sink:
        def head(self, *_: object, **__: object) -> None: ...

        headers: dict[str, str] = {}  # noqa: RUF012

        def send(self, data: bytes) -> None:
            signed.append(data)

    archive.server.routes[f"/dists/{SUITE}/InRelease"](Sink())  # type: ignore[arg-type]
    archive.serve(f"dists/{SUITE}/InRelease", b"".join(signed).replace(b"Label: ", b"Label: X"))
    assert "The following signatures were invalid: BADSIG" in refusal(settings)


def test_foreign_key_is_refused(archive: Archive, settings: Settings, tmp_path: Path) -> None:
    archive.publish(packages(b"x"))
    (tmp_path / "key.gpg").write_bytes(b"")
    assert "NO_PUBKEY" in refusal(settings)


def test_tampered_index_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    name = "main/binary-arm64/Packages"
    tampered = packages(b"x")[name].replace(b"kernel", b"kernal")
    archive.serve(f"dists/{SUITE}/{name}", tampered)
    assert "Hash Sum mismatch" in refusal(settings)


def test_tampered_package_is_refused(archive: Archive, settings: Settings, tmp_path: Path) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data[:-1] + b"x")
    assert f"archive of {ORIGIN.lower()} {SUITE}: wrong bytes (" in refusal(settings)


def test_unknown_package_is_a_clear_error(archive: Archive, settings: Settings) -> None:
    index = packages(b"x")["main/binary-arm64/Packages"].replace(b"kernel", b"other")
    archive.publish({"main/binary-arm64/Packages": index})
    assert refusal(settings) == f"no package kernel in {SUITE}-arm64"


def test_each_command_finds_what_the_archive_has_now(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        data = deb(tmp_path, version)
        archive.publish(packages(data, version))
        archive.serve(f"pool/kernel_{version}_arm64.deb", data)
        command = [sys.executable, "-c", CHILD, settings.cache, SUITE]
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
        assert Path(done.stdout.strip()).read_bytes() == data


EXPIRED = "Valid-Until: Sun, 02 Jan 2022 00:00:00 UTC\n"


def test_expired_release_is_refused_though_the_machines_apt_permits_it(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    with (tmp_path / "apt.conf").open("a") as file:
        file.write('Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n')
    archive.publish(packages(b"x"), extra=EXPIRED)
    assert "is expired (invalid since" in refusal(settings)


def test_expired_release_of_a_suite_at_its_end_of_life_is_used(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data), extra=EXPIRED, suite="buster")
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    assert kernel(settings, "buster").read_bytes() == data


def test_suite_served_under_another_name_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"), named="sid")
    reason = f"the archive has sid or some where {SUITE} should be"
    assert refusal(settings) == reason
    assert refusal(settings._replace(offline=True)) == reason


def test_corrupt_cached_package_is_fetched_again(
    settings: Settings, reported: list[str], published: bytes
) -> None:
    kernel(settings).write_bytes(b"broken")
    assert kernel(settings).read_bytes() == published
    assert len(reported) == 1


def test_threads_share_one_state(archive: Archive, settings: Settings, published: bytes) -> None:
    threads = [threading.Thread(target=kernel, args=(settings,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert archive.server.paths.count("/pool/kernel_1.0_arm64.deb") == 1


def test_offline_without_index_opens_no_socket(archive: Archive, settings: Settings) -> None:
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings._replace(offline=True))
    assert failure.value.message == f"offline=1, and there is no index of {SUITE}-arm64 yet"
    assert archive.server.requests == []


CHILD = """
import sys
from pathlib import Path
from base.settings import Settings
from fetch import apt
settings = Settings(Path(sys.argv[1]), offline=bool(sys.argv[3:]))
print(apt.binary("kernel", suite=sys.argv[2], arch="arm64", settings=settings))
"""


@pytest.mark.usefixtures("published")
def test_read_only_cache_serves_offline(settings: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    path = kernel(settings)
    for folder in (settings.cache, *settings.cache.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-c", CHILD, settings.cache, SUITE, "offline"],
        cwd=ROOT, user=65534, group=65534, extra_groups=[], text=True, capture_output=True,
    )  # fmt: skip
    assert done.stdout == f"{path}\n", done.stderr


def test_package_is_read_in_memory(tmp_path: Path) -> None:
    deb(tmp_path)
    found = unpack_deb(tmp_path / "k.deb", lambda path: path.startswith("boot/"))
    assert found == {"boot/Image": b"kernel" * 100, "boot/image": b"other"}


def test_damaged_package_is_a_clear_error(tmp_path: Path) -> None:
    data = deb(tmp_path)
    (tmp_path / "k.deb").write_bytes(data[:-100])
    with pytest.raises(DroidbpfError) as failure:
        unpack_deb(tmp_path / "k.deb", lambda path: True)
    assert failure.value.message.startswith(f"the package {tmp_path}/k.deb is damaged")
