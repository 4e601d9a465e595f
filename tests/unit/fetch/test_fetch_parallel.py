"""Many files at once: what holds for one holds for each, over few connections."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from http_server import Handler, Server, body, raw, silent, status
from things import DATA, pin_of, stored

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import download, http
from fetch.cache import CacheError
from fetch.connections import Connections
from fetch.errors import PlaceError
from fetch.pins import Pin

ROOT = Path(__file__).parents[3]
QUICK = http.Limits(connect=0.5, window=0.5, backoff=0.01)
BYTES = [random.Random(n).randbytes(50_000 + n) for n in range(12)]


def pins_of(server: Server, count: int) -> list[Pin]:
    """Return the pins of files that the server serves."""
    for n in range(count):
        server.routes.setdefault(f"/{n}", body(BYTES[n]))
    return [
        replace(pin_of(f"{server.url}/{n}", data=BYTES[n]), name=str(n), filename=f"{n}.tar")
        for n in range(count)
    ]


@pytest.fixture
def pool() -> Connections:
    return Connections(4)


def test_files_are_obtained_over_as_many_connections_as_workers(
    server: Server, settings: Settings
) -> None:
    server.keep = True
    pins = pins_of(server, 12)
    found = download.obtain_all(pins, settings, workers=3)
    assert [found[str(n)].read_bytes() for n in range(12)] == BYTES
    assert sorted(server.paths) == sorted(f"/{n}" for n in range(12))
    assert server.connections <= 3


def test_files_come_at_the_same_time(server: Server, settings: Settings) -> None:
    together = threading.Barrier(4, timeout=10)

    def behave(handler: Handler) -> None:
        together.wait()
        body(BYTES[int(handler.path[1:])])(handler)

    server.routes |= {f"/{n}": behave for n in range(4)}
    assert len(download.obtain_all(pins_of(server, 4), settings, workers=4)) == 4


def test_warm_cache_asks_no_server_and_starts_no_thread(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = pins_of(server, 3)
    cold = download.obtain_all(pins, settings)
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread"))
    assert download.obtain_all(pins, settings) == cold
    assert len(server.requests) == 3


def test_failures_end_no_other_download_and_are_listed_in_one_error(
    server: Server, settings: Settings
) -> None:
    server.routes |= {"/0": status(404), "/2": status(403)}
    pins = pins_of(server, 6)
    with pytest.raises(DroidbpfError) as failure:
        download.obtain_all(pins, settings, workers=2)
    assert str(failure.value) == (
        "error: no place gives these 2 files:\n"
        f"  0.tar (sha256 {pins[0].sha256}, 50000 bytes)\n"
        f"    cache {settings.cache}: not there\n"
        f"    {server.url}/0: HTTP 404\n"
        f"  2.tar (sha256 {pins[2].sha256}, 50002 bytes)\n"
        f"    cache {settings.cache}: not there\n"
        f"    {server.url}/2: HTTP 403\n"
        f"hint: put each file at {settings.cache}/sha256/SHA256, "
        "or name a folder or URL that holds them: mirror=…"
    )
    assert sorted(stored(settings)) == sorted(BYTES[n] for n in (1, 3, 4, 5))


def test_one_failure_reads_as_that_of_a_single_file(server: Server, settings: Settings) -> None:
    server.routes["/1"] = status(404)
    pins = pins_of(server, 3)
    with pytest.raises(DroidbpfError, match=r"no place gives this file:\n  1\.tar \(sha256 "):
        download.obtain_all(pins, settings)


def test_wrong_bytes_are_reported_and_the_next_place_is_asked(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    server.routes["/bad"] = body(b"y" * len(BYTES[0]))
    pins = pins_of(server, 2)
    pins[0] = replace(pins[0], urls=(f"{server.url}/bad", *pins[0].urls))
    assert download.obtain_all(pins, settings)["0"].read_bytes() == BYTES[0]
    assert len(reported) == 1
    assert reported[0].startswith(f"0.tar: {server.url}/bad is skipped: wrong bytes (")


def test_truncated_files_are_resumed(server: Server, settings: Settings) -> None:
    server.routes |= {f"/{n}": body(BYTES[n], cut=30_000) for n in range(3)}
    assert len(download.obtain_all(pins_of(server, 3), settings)) == 3
    ranges = [request.headers.get("range") for request in server.requests]
    assert ranges.count("bytes=30000-") == 3


def test_offline_lists_every_missing_file_at_once(server: Server, settings: Settings) -> None:
    pins = pins_of(server, 4)
    download.obtain_all(pins[:1], settings)
    with pytest.raises(DroidbpfError) as failure:
        download.obtain_all(pins, settings._replace(offline=True))
    assert failure.value.message.startswith("no place gives these 3 files:\n  1.tar (sha256 ")
    assert failure.value.message.count(": not asked: offline=1") == 3
    assert len(server.requests) == 1


def test_the_same_file_under_two_names_is_downloaded_once(
    server: Server, settings: Settings
) -> None:
    pin = pins_of(server, 1)[0]
    found = download.obtain_all([pin, replace(pin, name="again")], settings)
    assert found["0"] == found["again"]
    assert server.paths == ["/0"]


def test_host_that_nobody_reached_is_given_up_for_all_files(settings: Settings) -> None:
    pins = [
        replace(pin_of(f"http://127.0.0.1:9/{n}", data=BYTES[n]), name=str(n), filename=str(n))
        for n in range(12)
    ]
    started = time.monotonic()
    with pytest.raises(DroidbpfError) as failure:
        download.obtain_all(pins, settings, workers=2)
    assert failure.value.message.count(": connection refused") == 12
    assert time.monotonic() - started < 3


def test_full_disk_is_reported_before_the_downloads(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = os.statvfs("/")
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    free = room.f_bavail * room.f_frsize
    pins = [replace(pin, size=free // 2) for pin in pins_of(server, 3)]
    with pytest.raises(CacheError, match=f"the download needs {free // 2 * 3} bytes"):
        download.obtain_all(pins, settings)
    assert server.requests == []


def test_progress_is_that_of_all_files_and_comes_from_one_thread_at_a_time(
    server: Server, settings: Settings
) -> None:
    inside = threading.Lock()
    seen: list[tuple[str, int, int]] = []

    def progress(*args: object) -> None:
        assert inside.acquire(blocking=False)
        seen.append(args)  # type: ignore[arg-type]
        time.sleep(0.001)
        inside.release()

    pins = pins_of(server, 8)
    download.obtain_all(pins, settings._replace(progress=progress, downloaded=progress))
    total = sum(pin.size for pin in pins)
    sums = [call for call in seen if call[0] == "8 files"]
    assert [call[2] for call in sums] == [total] * len(sums)
    assert [call[1] for call in sums] == sorted(call[1] for call in sums)
    assert sums[-1][1] == total


def test_kept_connection_that_the_server_closed_is_replaced_at_once(
    server: Server, pool: Connections, tmp_path: Path, pauses: list[float]
) -> None:
    server.keep = True
    server.routes |= {"/a": body(DATA), "/b": body(DATA)}

    def close(handler: Handler) -> None:
        if handler.answered:
            handler.close_connection = True
        else:
            body(DATA)(handler)

    server.routes["/closing"] = close
    (tmp_path / "partial").mkdir()
    for name in ("a", "b", "closing"):
        part = tmp_path / "partial" / name
        http.download(f"{server.url}/{name}", part, len(DATA), connections=pool)
        assert part.read_bytes() == DATA
    assert pauses == [], "it waited as after a failure"
    assert server.paths == ["/a", "/b", "/closing", "/closing"]
    assert server.connections == 2


DRIP = b"HTTP/1.1 200 OK\r\n" + b"X-Drip: yes\r\n" * 100


@pytest.mark.parametrize("behave", [body(DATA, rate=100), raw(DRIP, pause=0.1), silent(4)])
def test_slow_answer_on_a_kept_connection_is_cut_and_the_others_go_on(
    server: Server, pool: Connections, tmp_path: Path, behave: Callable[[Handler], None]
) -> None:
    server.keep = True
    server.routes |= {"/a": body(DATA), "/slow": behave, "/steady": body(DATA, rate=400_000)}
    (tmp_path / "partial").mkdir()

    def get(name: str) -> None:
        part = tmp_path / "partial" / name
        http.download(
            f"{server.url}/{name}", part, len(DATA), limits=replace(QUICK, retries=0),
            connections=pool,
        )  # fmt: skip

    get("a")
    other = threading.Thread(target=get, args=("steady",))
    other.start()
    time.sleep(0.1)
    get("a")
    started = time.monotonic()
    with pytest.raises(PlaceError, match=r"too slow: |no answer in "):
        get("slow")
    assert time.monotonic() - started < 3
    other.join()
    assert (tmp_path / "partial/steady").read_bytes() == DATA
    assert server.connections == 2


def interrupt_soon(seconds: float) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


@pytest.mark.parametrize("hang", ["server", "lock"])
def test_interruption_ends_the_threads_and_leaves_nothing_that_is_trusted(
    server: Server, settings: Settings, hang: str
) -> None:
    pins = pins_of(server, 4)
    server.routes |= {f"/{n}": body(BYTES[n], rate=2_000) for n in range(4)}
    if hang == "lock":
        (settings.cache / "locks").mkdir(parents=True)
        held = (settings.cache / "locks" / pins[0].sha256).open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
    before = set(threading.enumerate())
    interrupt_soon(0.7)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download.obtain_all(pins, settings, workers=4)
    assert time.monotonic() - started < 20, "it waited for the downloads"
    time.sleep(0.05)  # for the last instructions of threads that are about to end
    left = set(threading.enumerate()) - before
    assert [one.name for one in left if "process_request" not in one.name] == []
    assert stored(settings) == []
    server.routes |= {f"/{n}": body(BYTES[n]) for n in range(4)}
    if hang == "lock":
        held.close()
    assert len(download.obtain_all(pins, settings)) == 4
    assert any("range" in request.headers for request in server.requests)


CHILD = """
import sys
from pathlib import Path
from fetch import download
from fetch.pins import Pin
from base.settings import Settings
pins = [Pin(u, "", u[-1], s, int(n), (u,)) for s, n, u in (a.split() for a in sys.argv[2:])]
download.obtain_all(pins, Settings(Path(sys.argv[1])))
"""


def test_processes_at_once_download_each_file_once(server: Server, settings: Settings) -> None:
    server.routes |= {f"/{n}": body(BYTES[n], rate=200_000) for n in range(4)}
    pins = [f"{pin.sha256} {pin.size} {pin.urls[0]}" for pin in pins_of(server, 4)]
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, settings.cache, *pins], cwd=ROOT)
        for _ in range(4)
    ]
    assert [child.wait(timeout=60) for child in children] == [0] * 4
    assert sorted(server.paths) == ["/0", "/1", "/2", "/3"]
