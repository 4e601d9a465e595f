"""Files pinned by hash, from the machine's package archive, then from a snapshot of it."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from http_server import Server, silent, status
from package_archive import SUITE, Archive, deb
from package_archive import packages as package_index

import fetch.__main__
from base.errors import DroidbpfError
from base.settings import Settings
from fetch import aptconf, download
from fetch.pins import Alternative, Pin

pytest_plugins = ("package_fixtures",)
ROOT = Path(__file__).parents[3]
PATH = "pool/main/k/kernel_1.0_arm64.deb"
ID = aptconf.os_release().get("ID", "")
SNAPSHOT = f"snapshot/{ID}/20260711T000000Z"


@pytest.fixture
def package(tmp_path: Path) -> bytes:
    return deb(tmp_path)


@pytest.fixture
def pins(tmp_path: Path, package: bytes) -> Path:
    path = tmp_path / "pins.toml"
    path.write_text(
        f'[kernel-arm64]\nversion = "1.0"\nfilename = "kernel_1.0_arm64.deb"\nurls = []\n'
        f'sha256 = "{hashlib.sha256(package).hexdigest()}"\nsize = {len(package)}\n'
        f'[[kernel-arm64.distribution]]\nid = "{ID}"\nsuite = "{SUITE}"\narch = "arm64"\n'
        f'path = "{PATH}"\nsnapshot = "20260711T000000Z"\n'
    )
    return path


def name_snapshots(archive: Archive, tmp_path: Path) -> None:
    """Have apt's sources name a snapshot service, as Debian's container images do."""
    line = f"# {archive.server.url}/snapshot/{ID}/20250520T000000Z\n"
    with (tmp_path / "sources.list").open("a") as file:
        file.write(line)


def obtain(pins: Path, settings: Settings) -> bytes:
    found = download.obtain_packages(pins, "arm64", settings)
    assert list(found) == ["kernel-arm64"]
    return found["kernel-arm64"].read_bytes()


def test_pinned_package_needs_no_index_and_no_second_download(
    archive: Archive, settings: Settings, pins: Path, package: bytes
) -> None:
    archive.serve(PATH, package)
    assert obtain(pins, settings) == package
    assert obtain(pins, settings._replace(offline=True)) == package
    assert archive.server.paths == [f"/{PATH}"]


def test_other_architectures_packages_are_not_fetched(
    archive: Archive, settings: Settings, pins: Path
) -> None:
    assert download.obtain_packages(pins, "amd64", settings) == {}
    assert archive.server.paths == []


def test_package_that_left_the_archive_comes_from_the_snapshot_of_its_time(
    archive: Archive, settings: Settings, pins: Path, package: bytes, tmp_path: Path
) -> None:
    name_snapshots(archive, tmp_path)
    archive.serve(f"{SNAPSHOT}/{PATH}", package)
    assert obtain(pins, settings) == package


def test_archive_with_other_bytes_is_skipped_and_named(
    archive: Archive, settings: Settings, pins: Path, package: bytes, tmp_path: Path,
    reported: list[str],
) -> None:  # fmt: skip
    name_snapshots(archive, tmp_path)
    archive.serve(PATH, package[:-1] + b"x")
    archive.serve(f"{SNAPSHOT}/{PATH}", package)
    assert obtain(pins, settings) == package
    assert len(reported) == 1
    assert reported[0].startswith(
        f"kernel_1.0_arm64.deb: archive of {ID} {SUITE} is skipped: wrong bytes ("
    )


def test_snapshot_as_a_mirror_gives_the_package_by_its_path(
    archive: Archive, settings: Settings, pins: Path, package: bytes
) -> None:
    archive.serve(f"{SNAPSHOT}/{PATH}", package)
    settings = settings._replace(mirror=f"{archive.server.url}/{SNAPSHOT}")
    assert obtain(pins, settings) == package


def test_package_that_no_place_has_names_each_place_and_the_remedies(
    archive: Archive, settings: Settings, pins: Path
) -> None:
    archive.server.routes[f"/{PATH}"] = status(404)
    with pytest.raises(DroidbpfError) as failure:
        download.obtain_packages(pins, "arm64", settings)
    lines = failure.value.message.split("\n  ")
    assert lines[2] == f"  cache {settings.cache}: not there"
    assert lines[3].startswith(
        f"  archive of {ID} {SUITE}: Failed to fetch {archive.server.url}/{PATH}  404  Not Found"
    )
    assert lines[4] == (
        f"  snapshot of the archive of {ID} {SUITE} at 20260711T000000Z: "
        "apt names no snapshot service on this machine"
    )
    assert failure.value.hint.endswith(
        ": mirror=…; or pin what the archive has now: ./dev fetch renew"
    )


CHILD = """
import sys
from pathlib import Path
from base.cli import run_cli
from base.settings import Settings
from fetch import download
run = lambda: len(download.obtain_packages(Path(sys.argv[1]), "arm64", Settings(Path(sys.argv[2]))))
sys.exit(run_cli(run))
"""


def test_termination_ends_the_program_that_downloads(
    archive: Archive, settings: Settings, pins: Path
) -> None:
    archive.server.routes[f"/{PATH}"] = silent(10)
    command = [sys.executable, "-c", CHILD, str(pins), str(settings.cache)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE) as child:
        while not archive.server.requests:
            time.sleep(0.02)
        child.terminate()
        began = time.monotonic()
        assert child.communicate()[1] == "error: terminated\n"
        assert time.monotonic() - began < 5
        assert child.returncode == 128 + signal.SIGTERM
    left = [
        path for path in Path("/proc").glob("[0-9]*/cmdline") if str(settings.cache) in text(path)
    ]
    assert left == []


def text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_archive_of_sources_is_the_last_place_of_a_pin(
    archive: Archive, settings: Settings, server: Server
) -> None:
    data = b"repacked"
    sha256 = hashlib.sha256(data).hexdigest()
    place = Alternative(ID, SUITE, "pool/main/t/t.tar", "20260711T000000Z", sha256, len(data))
    pin = Pin("t", "1", "t.tar.gz", "0" * 64, 1, (f"{server.url}/t",), (place,))
    archive.serve("pool/main/t/t.tar", data)
    assert download.obtain(pin, settings).name == sha256
    assert server.paths == ["/t"]


def test_renew_pins_what_the_archive_has_now(
    archive: Archive, settings: Settings, pins: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("DROIDBPF_CACHE", str(settings.cache))
    newer = deb(tmp_path, "2.0")
    archive.publish(package_index(newer, "2.0"))
    archive.serve("pool/kernel_2.0_arm64.deb", newer)
    pins.write_text(f"# a comment\n\n{pins.read_text()}")
    assert fetch.__main__.main(["renew", str(pins)]) == 0
    assert obtain(pins, settings) == newer
    assert pins.read_text().startswith('# a comment\n\n[kernel-arm64]\nversion = "2.0"\n')
    before = pins.read_text()
    assert fetch.__main__.main(["renew", str(pins)]) == 0
    assert pins.read_text() == before
