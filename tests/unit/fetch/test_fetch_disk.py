"""A cache on a full or read-only disk: one clear error, and what it holds still serves."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import http_server
import pytest
from http_server import Server, body
from things import DATA, HASH, pin_of

from base.errors import DroidbpfError
from base.settings import Settings
from fetch.download import obtain

ROOT = Path(__file__).parents[3]
PIN = pin_of()


@pytest.fixture
def settings(settings: Settings, mirror: Path) -> Settings:
    return settings._replace(mirror=str(mirror))


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_disk_too_small_is_reported_before_the_download(settings: Settings, server: Server) -> None:
    server.routes["/a"] = body(DATA)
    with small_disk(settings.cache, 64 << 10), pytest.raises(DroidbpfError) as failure:
        obtain(replace(PIN, urls=(server.url + "/a",)), settings)
    assert str(failure.value) == (
        f"error: no space left in the download cache {settings.cache}: "
        "the download needs 400000 bytes\n"
        "hint: free some space, or set DROIDBPF_CACHE to another folder"
    )
    assert server.requests == []


def test_disk_full_in_the_middle_leaves_nothing(settings: Settings, server: Server) -> None:
    inner = settings.cache / "inner"

    def fill(handler: http_server.Handler) -> None:
        with contextlib.suppress(OSError), (settings.cache / "ballast").open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        body(DATA)(handler)

    server.routes["/a"] = fill
    pin = replace(PIN, urls=(server.url + "/a",))
    with small_disk(settings.cache, 1 << 20):
        with pytest.raises(DroidbpfError) as failure:
            obtain(pin, settings._replace(cache=inner, mirror=""))
        (settings.cache / "ballast").unlink()
        left = [path for path in inner.rglob("*") if path.is_file() and path.stat().st_size]
        server.routes["/a"] = body(DATA)
        assert obtain(pin, settings._replace(cache=inner, mirror="")).read_bytes() == DATA
    assert failure.value.message == (
        f"no space left in the download cache {inner}: the download needs 400000 bytes"
    )
    assert left == []


LIMITED = """
import resource, sys
from pathlib import Path
from fetch.download import obtain
from base.errors import DroidbpfError
from fetch.pins import Pin
from base.settings import Settings
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sha256, size, url, cache = sys.argv[1:]
try:
    obtain(Pin("thing", "1.0", "thing.tar.gz", sha256, int(size), (url,)), Settings(Path(cache)))
except DroidbpfError as error:
    print(error)
"""


def test_file_size_limit_is_reported_as_a_full_disk(settings: Settings, server: Server) -> None:
    server.routes["/a"] = body(DATA)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, HASH, str(len(DATA)), server.url + "/a", settings.cache],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(
        f"error: no space left in the download cache {settings.cache}: "
        "the download needs 400000 bytes\n"
    )
    assert not list((settings.cache / "partial").iterdir())
    assert not (settings.cache / "sha256").exists()


def read_only(settings: Settings) -> None:
    for folder in (settings.cache, *settings.cache.glob("*/")):
        folder.chmod(0o555)
    for path in (settings.cache, *settings.cache.parents):
        if path.stat().st_uid == os.geteuid() and len(path.parts) > 2:
            path.chmod(path.stat().st_mode | 0o055)


READ_ONLY = """
import sys
from pathlib import Path
from fetch.download import obtain
from base.errors import DroidbpfError
from fetch.pins import Pin
from base.settings import Settings
try:
    print(obtain(Pin("thing", "1", "thing.tar", sys.argv[2], 400000), Settings(Path(sys.argv[1]))))
except DroidbpfError as error:
    print(error)
"""


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[Path, str], str]:
    """Run obtain() as a user who cannot write there."""

    def run(folder: Path, sha256: str) -> str:
        user = 65534 if os.geteuid() == 0 else None
        command = ["/usr/bin/python3", "-c", READ_ONLY, str(folder), sha256]
        done = subprocess.run(
            command, cwd=ROOT, user=user, text=True, stdout=subprocess.PIPE, check=False
        )
        if done.returncode:
            pytest.skip("another user cannot read the checkout")
        return done.stdout

    return run


def test_read_only_cache_serves_what_it_holds(
    settings: Settings, as_nobody: Callable[[Path, str], str]
) -> None:
    path = obtain(PIN, settings)
    read_only(settings)
    assert as_nobody(settings.cache, HASH) == f"{path}\n"


def test_read_only_cache_without_the_file_is_a_clear_error(
    settings: Settings, as_nobody: Callable[[Path, str], str]
) -> None:
    obtain(PIN, settings)
    read_only(settings)
    assert as_nobody(settings.cache, "0" * 64) == (
        f"error: cannot write to the download cache {settings.cache}: Permission denied\n"
        "hint: make it writable, or set DROIDBPF_CACHE to another folder\n"
    )
