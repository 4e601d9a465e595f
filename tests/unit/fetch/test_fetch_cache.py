"""The cache: what it gives can be trusted, be it old, broken, read-only, full or offline."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from http_server import Server, body
from things import DATA, HASH, pin_of

from base.errors import DroidbpfError
from base.settings import Settings
from fetch.download import obtain, obtain_all
from fetch.pins import Alternative

ROOT = Path(__file__).parents[3]
PIN = pin_of()


@pytest.fixture
def settings(settings: Settings, mirror: Path) -> Settings:
    return settings._replace(mirror=str(mirror))


def test_mirror_folder_serves_by_name(settings: Settings) -> None:
    assert obtain(PIN, settings).read_bytes() == DATA


def test_cache_of_another_is_a_mirror(settings: Settings, tmp_path: Path) -> None:
    obtain(PIN, settings)
    other = Settings(cache=tmp_path / "other", mirror=f"file://{settings.cache}", offline=True)
    assert obtain(PIN, other) == tmp_path / "other" / "sha256" / HASH


def test_mirror_folder_with_wrong_bytes_is_skipped_and_named(
    settings: Settings, mirror: Path, reported: list[str], server: Server
) -> None:
    (mirror / PIN.filename).write_bytes(DATA[::-1])
    server.routes["/a"] = body(DATA)
    obtain(replace(PIN, urls=(server.url + "/a",)), settings)
    wrong = hashlib.sha256(DATA[::-1]).hexdigest()
    assert reported == [
        f"thing-1.0.tar.gz: mirror {mirror} is skipped: "
        f"thing-1.0.tar.gz: wrong bytes (400000 bytes, sha256 {wrong})"
    ]


def test_mirror_file_that_is_too_large_is_copied_to_one_byte_above_the_size(
    settings: Settings, mirror: Path, reported: list[str], server: Server
) -> None:
    os.truncate(mirror / PIN.filename, 100 << 20)
    server.routes["/a"] = body(DATA)
    assert obtain(replace(PIN, urls=(server.url + "/a",)), settings).read_bytes() == DATA
    assert "thing-1.0.tar.gz: wrong bytes (400001 bytes, " in reported[0]


def test_mirror_file_that_cannot_be_read_is_a_reason_to_ask_the_next_place(
    settings: Settings, mirror: Path, server: Server
) -> None:
    (mirror / PIN.filename).unlink()
    (mirror / PIN.filename).symlink_to("/proc/self/mem")
    server.routes["/a"] = body(DATA)
    assert obtain(replace(PIN, urls=(server.url + "/a",)), settings).read_bytes() == DATA


def test_repacked_archive_satisfies_the_pin(tmp_path: Path, mirror: Path) -> None:
    repacked = b"repacked"
    sha256 = hashlib.sha256(repacked).hexdigest()
    other = Alternative("debian", "trixie", "pool/thing_1.0.orig.tar.gz", "", sha256, 8)
    (mirror / PIN.filename).unlink()
    (mirror / "thing_1.0.orig.tar.gz").write_bytes(repacked)
    pin = replace(PIN, alternatives=(other,))
    assert obtain(pin, Settings(tmp_path / "cache", str(mirror))).name == sha256


@pytest.mark.parametrize("bad", [DATA[:-1], DATA[:-1] + b"x", b""])
def test_corrupt_cached_file_is_reported_and_fetched_again(
    settings: Settings, reported: list[str], bad: bytes
) -> None:
    path = obtain(PIN, settings)
    path.write_bytes(bad)
    assert obtain(PIN, settings).read_bytes() == DATA
    assert len(reported) == 1
    assert reported[0].startswith(f"the cached file {path} is corrupt (")
    assert path.read_bytes() == DATA


def test_corruption_with_kept_size_and_time_is_seen(
    settings: Settings, reported: list[str]
) -> None:
    path = obtain(PIN, settings)
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert obtain(PIN, settings).read_bytes() == DATA
    assert len(reported) == 1


def test_corrupt_cached_file_offline_is_a_clear_error(settings: Settings) -> None:
    path = obtain(PIN, settings)
    bad = DATA[:-1]
    path.write_bytes(bad)
    with pytest.raises(DroidbpfError) as failure:
        obtain(PIN, settings._replace(offline=True, mirror=""))
    assert str(failure.value) == (
        "error: no place gives this file:\n"
        f"  thing-1.0.tar.gz (sha256 {HASH}, 400000 bytes)\n"
        f"    the cached file {path} is corrupt (its sha256 is {hashlib.sha256(bad).hexdigest()})\n"
        f"hint: put the file at {path}, or name a folder or URL that holds it: mirror=…"
        "; or go online"
    )
    assert path.exists()


def test_offline_lists_every_missing_file_at_once(tmp_path: Path) -> None:
    pins = [
        replace(PIN, name=str(n), filename=f"{n}.tar", urls=(f"https://x/{n}",)) for n in (1, 2)
    ]
    with pytest.raises(DroidbpfError) as failure:
        obtain_all(pins, Settings(tmp_path, offline=True))
    assert failure.value.message == (
        "no place gives these 2 files:\n"
        f"  1.tar (sha256 {HASH}, 400000 bytes)\n"
        f"    cache {tmp_path}: not there\n"
        f"    https://x/1: not asked: offline=1\n"
        f"  2.tar (sha256 {HASH}, 400000 bytes)\n"
        f"    cache {tmp_path}: not there\n"
        f"    https://x/2: not asked: offline=1"
    )
    assert list(tmp_path.iterdir()) == []


OFFLINE = """
import sys
from pathlib import Path
from fetch.download import obtain_all
from base.errors import DroidbpfError
from fetch.pins import load
from base.settings import Settings
seen = []
sys.addaudithook(lambda name, args: seen.append(name))
settings = Settings(Path(sys.argv[1]), sys.argv[2], offline=True)
pins = load(Path("third_party/sources.toml")).values()
try:
    obtain_all(pins, settings)
except DroidbpfError as error:
    assert error.message.count(": not there") == len(pins), error.message
    print([name for name in seen if name.startswith(("socket.", "subprocess.", "os.exec"))])
"""


@pytest.mark.parametrize("mirror_url", ["", "http://127.0.0.1:9/mirror"])
def test_offline_opens_no_socket_and_runs_no_program(tmp_path: Path, mirror_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, tmp_path, mirror_url],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_default_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROIDBPF_CACHE", "/some/where")
    assert Settings.from_environment().cache == Path("/some/where")
    monkeypatch.delenv("DROIDBPF_CACHE")
    monkeypatch.setenv("HOME", "/home/user")
    assert Settings.from_environment().cache == Path("/home/user/.cache/droidbpf")


def test_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fetch import cache\n"
        "with cache.lock(Path(sys.argv[1]), 'x'):\n"
        "    value = int(Path(sys.argv[2]).read_text())\n"
        "    import time; time.sleep(0.05)\n"
        "    Path(sys.argv[2]).write_text(str(value + 1))\n"
    )
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path, counter], cwd=ROOT)
        for _ in range(6)
    ]
    assert [child.wait() for child in children] == [0] * 6
    assert counter.read_text() == "6"
