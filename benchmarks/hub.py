"""What pulling a hub costs: all real files in parallel against one after the other, and warm.

A server on loopback serves the files of the test data and adds 100 ms to each request. It runs in
this process, so its work counts against both. The figures are medians of rounds by turns.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from os import environ
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import lock, mirror
from fetch import download
from fetch.pins import Pin

ROOT = Path(__file__).resolve().parent.parent
ASSETS = Path(environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
DELAY_S = 0.1
LEAST_RATIO = 4.0


@dataclass(frozen=True)
class Report:
    """Medians of wall time in seconds; the most that a round had of what is counted."""

    files: int
    size: int  # bytes of all files
    serial_s: float
    parallel_s: float
    warm_s: float
    connections: int  # of a parallel pull
    warm_requests: int
    warm_bytes: int

    @property
    def ratio(self) -> float:
        """How many times as fast as the serial loop."""
        return self.serial_s / self.parallel_s

    @property
    def met(self) -> bool:
        """Tell whether all limits are kept."""
        return self.ratio >= LEAST_RATIO and self.warm_requests == 0 and self.warm_bytes == 0


@dataclass
class Served:
    """What a server counted."""

    connections: int = 0
    requests: int = 0
    sent: int = 0  # bytes of bodies
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument(
        "--hub", type=Path, default=ASSETS / "btfhub", help="a folder [%(default)s]"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each way [5]")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 where the limits are kept, else 1."""
    if options.rounds < 1:
        raise DroidbpfError("--rounds must be at least 1")
    report = measure(options.hub, options.rounds)
    if options.json:
        print(json.dumps(asdict(report) | {"ratio": report.ratio, "met": report.met}))
    else:
        print("\n".join(shown(report)))
    return 0 if report.met else 1


def measure(hub: Path, rounds: int) -> Report:
    """Pull what a folder holds of the lock in each way, by turns.

    Raises:
        DroidbpfError: the folder holds nothing that the lock pins.
    """
    pins = lock.load(ROOT / "btfhub" / "btfhub.lock")
    files = list(mirror.listing(str(hub), pins).values())
    if not files:
        raise DroidbpfError(
            f"{hub} holds no file of the lock",
            "set DROIDBPF_TEST_ASSETS to the folder of test data",
        )
    serial, parallel, warm = [], [], []
    with serving(hub) as (url, served), tempfile.TemporaryDirectory() as folder:
        connections, requests, sent = 0, 0, 0
        for number in range(rounds):
            loop = Settings(Path(folder, f"serial{number}"))
            serial.append(timed(functools.partial(obtain_one_by_one, files, url, loop)))
            cold = Settings(Path(folder, f"parallel{number}"))
            pull = functools.partial(mirror.obtain, files, url, pins, cold)
            before = served.connections
            parallel.append(timed(pull))
            connections = max(connections, served.connections - before)
            before_requests, before_sent = served.requests, served.sent
            warm.append(timed(pull))
            requests = max(requests, served.requests - before_requests)
            sent = max(sent, served.sent - before_sent)
    return Report(
        len(files),
        sum(file.size for file in files),
        statistics.median(serial),
        statistics.median(parallel),
        statistics.median(warm),
        connections,
        requests,
        sent,
    )


def obtain_one_by_one(files: Sequence[lock.HubFile], url: str, settings: Settings) -> None:
    """Download one file after the other."""
    for file in files:
        where = (mirror.url_of(url, file.path),)
        download.obtain(Pin(file.name, "", file.path, file.sha256, file.size, where), settings)


def timed(work: Callable[[], object]) -> float:
    """Give the wall time of some work, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Served]]:
    """Serve a folder on loopback, slowly; give its URL and what is counted."""
    served = Served()

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            with served.lock:
                served.connections += 1
            super().setup()

        def do_GET(self) -> None:
            time.sleep(DELAY_S)
            path = Path(self.translate_path(self.path))
            with served.lock:
                served.requests += 1
                served.sent += path.stat().st_size if path.is_file() else 0
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shown(report: Report) -> list[str]:
    """Give the lines for a person."""

    def verdict(met: bool) -> str:
        return "met" if met else "MISSED"

    faster = verdict(report.ratio >= LEAST_RATIO)
    nothing = verdict(not report.warm_requests and not report.warm_bytes)
    return [
        f"{report.files} files, {report.size} bytes, {DELAY_S * 1000:.0f} ms added to each request",
        f"one after the other   {report.serial_s:8.3f} s",
        f"in parallel           {report.parallel_s:8.3f} s  {report.connections} connections",
        f"with a warm cache     {report.warm_s:8.3f} s  {report.warm_requests} requests, "
        f"{report.warm_bytes} bytes  none: {nothing}",
        f"ratio                 {report.ratio:8.2f} x  at least {LEAST_RATIO:g}: {faster}",
    ]
