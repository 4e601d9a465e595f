"""What pulling a hub costs: all real files in parallel against one after the other, and warm.

A server on loopback serves the files of the test data and adds 100 ms to each request. It runs in
this process, so its work counts against both. The figures are medians of rounds by turns.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from benchmarks._figures import Figure, add_rounds, print_figures
from benchmarks._runs import ASSETS, ROOT, scratch, seconds
from btfhub import lock
from btfhub.hub import Hub
from fetch import download

DELAY_S = 0.1
LEAST_RATIO = 4.0


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
        "--hub", type=Path, default=ASSETS / "btfhub", help="a folder (default: %(default)s)"
    )
    add_rounds(parser, 5, "each way")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    return print_figures(measure(options.hub, options.rounds), options.json)


def measure(hub: Path, rounds: int) -> list[Figure]:
    """Pull the files of the lock that a folder holds, in each way by turns; return the figures.

    Raises:
        DroidbpfError: the folder holds no file of the lock.
    """
    pins = lock.load(ROOT / "btfhub" / "btfhub.lock")
    files = list(Hub(str(hub), pins, Settings(hub)).holding().files.values())
    if not files:
        raise DroidbpfError(
            f"{printable(str(hub))} holds no file of the lock",
            "set DROIDBPF_TEST_ASSETS to the folder of test data",
        )
    serial, parallel, warm = [], [], []
    with serving(hub) as (url, served), scratch() as folder:
        connections, requests, sent = 0, 0, 0
        for number in range(rounds):
            loop = Hub(url, pins, Settings(folder / f"serial{number}"))
            serial.append(seconds(functools.partial(obtain_one_by_one, files, loop)))
            cold = Settings(folder / f"parallel{number}")
            pull = functools.partial(Hub(url, pins, cold).obtain, files)
            before = served.connections
            parallel.append(seconds(pull))
            connections = max(connections, served.connections - before)
            before_requests, before_sent = served.requests, served.sent
            warm.append(seconds(pull))
            requests = max(requests, served.requests - before_requests)
            sent = max(sent, served.sent - before_sent)
    one_by_one, at_once = statistics.median(serial), statistics.median(parallel)
    return [
        Figure("files", len(files), ""),
        Figure("bytes of all files", sum(file.size for file in files), "B"),
        Figure("delay that the server adds to each request", DELAY_S, "s"),
        Figure("one after the other: wall", one_by_one, "s"),
        Figure("in parallel: wall", at_once, "s"),
        Figure("in parallel: connections", connections, ""),
        Figure("one after the other / in parallel", one_by_one / at_once, "x", least=LEAST_RATIO),
        Figure("with a warm cache: wall", statistics.median(warm), "s"),
        Figure("with a warm cache: requests", requests, "", 0),
        Figure("with a warm cache: bytes", sent, "B", 0),
    ]


def obtain_one_by_one(files: Sequence[lock.HubFile], hub: Hub) -> None:
    """Download one file after the other."""
    for file in files:
        download.obtain(hub.pin(file._replace(url="")), hub.settings)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Served]]:
    """Serve a folder on loopback, slowly; yield its URL and what is counted."""
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
            """Print nothing."""

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
