"""Which archive and which key are taken from the machine's own configuration."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from package_archive import ORIGIN, SUITE, Archive, kernel, packages, refusal

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt, aptconf
from fetch.pins import Alternative

pytest_plugins = ("package_fixtures",)
FILE = Alternative(ORIGIN.lower(), SUITE, "pool/main/x.tar", "20260711T000000Z", "", 0)
TOOLS = ("apt-get", "apt-cache", "gpg", "dpkg-deb")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


def test_machine_without_apt_is_a_clear_reason(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings)
    assert failure.value.message == "no apt-get on this machine"


def test_other_distribution_is_a_clear_reason() -> None:
    with pytest.raises(DroidbpfError) as failure:
        aptconf.archive_uri(replace(FILE, distribution="plan9"))
    assert failure.value.message == f"this machine runs {ORIGIN.lower()}, not plan9"


def test_no_archive_configured_is_a_clear_error(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "sources.list").write_text("")
    assert refusal(settings) == (
        f"apt is configured with no archive of {ORIGIN.lower()} that could carry {SUITE} (arm64)"
    )


@pytest.mark.parametrize("suite", ["../x", "-o", "a b", ""])
def test_malformed_suite_is_refused(settings: Settings, suite: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        apt.show("a", suite=suite, arch="arm64", settings=settings)
    assert failure.value.message == f"no such suite, architecture or package: {suite!r}"


def test_third_party_archive_of_the_same_suite_is_not_chosen(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    line = (tmp_path / "sources.list").read_text()
    (tmp_path / "empty" / "vendor.list").write_text(
        f"deb http://vendor.invalid/repo {SUITE} main\ndeb http://vendor.invalid/x {SUITE} extra\n"
    )
    (tmp_path / "sources.list").write_text(f"{line}deb http://vendor.invalid/y any vendor\n")
    archive.publish(packages(b"x"))
    assert apt.show("kernel", suite=SUITE, arch="arm64", settings=settings)["Version"] == "1.0"


def test_embedded_key_of_a_deb822_source_is_used(
    archive: Archive, settings: Settings, tmp_path: Path, keys: Path
) -> None:
    done = subprocess.run(
        ["gpg", "--homedir", keys, "--batch", "--armor", "--export"],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    key = "".join(f" {line or '.'}\n" for line in done.stdout.splitlines())
    (tmp_path / "sources.list").write_text("")
    (tmp_path / "empty" / "debian.sources").write_text(
        f"# a comment\nTypes: deb\nURIs: {archive.server.url}\nSuites: {SUITE} {SUITE}-updates\n"
        f"Components: main\nSigned-By:\n{key}"
    )
    archive.publish(packages(b"x"))
    assert apt.show("kernel", suite=SUITE, arch="arm64", settings=settings)["Version"] == "1.0"


def by_apt(folder: Path, service: str) -> None:
    line = f'Acquire::Snapshots::URI::Origin::{ORIGIN} "{service}";\n'
    with (folder / "apt.conf").open("a") as file:
        file.write(line)


def by_a_comment(folder: Path, service: str) -> None:
    comment = f"# {service.replace('@SNAPSHOTID@/', '20250520T000000Z')}\n"
    with (folder / "sources.list").open("a") as file:
        file.write(comment)


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("name", [by_apt, by_a_comment])
def test_snapshot_service_is_the_one_that_the_machine_names(
    tmp_path: Path, name: Callable[[Path, str], None]
) -> None:
    with pytest.raises(DroidbpfError) as failure:
        aptconf.snapshot_uri(FILE)
    assert failure.value.message == "apt names no snapshot service on this machine"
    service = f"http://snapshot.invalid/archive/{ORIGIN.lower()}/"
    name(tmp_path, f"{service}@SNAPSHOTID@/")
    assert aptconf.snapshot_uri(FILE) == f"{service}20260711T000000Z/pool/main/x.tar"


def test_key_is_that_of_the_archives_own_stanza(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("")
    other = "Types: deb\nURIs: http://x.invalid\nSuites: x\nComponents: main\nSigned-By: /x.gpg\n"
    own = f"Types: deb\nURIs: {archive.server.url}\nSuites: {SUITE}\nComponents: main\n"
    text = f"\n# first\n{other}\n\n# second\n\n{own}# between\nSigned-By: /own.gpg\n\n{other}"
    (tmp_path / "empty" / "debian.sources").write_text(text)
    sources = aptconf.make(tmp_path, SUITE, "arm64")["archive.sources"]
    assert sources.endswith("Signed-By: /own.gpg\n")
