"""Connections that many downloads share, and answers that are waited for only so long.

A timeout of requests is for one read: a server that sends a byte now and then, in its headers or
between two chunks, keeps a client forever. So a thread reads each answer, and the download waits
for that thread with a deadline. A thread that was given up ends at its next byte.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fetch.errors import RetryError

if TYPE_CHECKING:
    from fetch.session import Session

T = TypeVar("T")
_POLL = 0.1  # seconds between two looks at the clock while nothing comes
_AHEAD = 8  # items that are read before they are asked for


@dataclass(frozen=True)
class Limits:
    """How long a server may keep a download: seconds, bytes a second, and counts."""

    connect: float = 10
    window: float = 15  # in every window, `rate` bytes a second must arrive
    rate: int = 4096
    retries: int = 3
    backoff: float = 0.5  # before the first retry; doubled each time, with jitter
    retry_after: float = 10  # a longer Retry-After is cut to this


class StoppedError(Exception):
    """The downloads were stopped: no other place is to be tried."""


class Connections:
    """A pool of kept connections for any number of threads.

    `hosts` has each host (host:port) that was asked: why it cannot be reached, or "" if it can.
    """

    def __init__(self, size: int = 1) -> None:
        self.hosts: dict[str, str] = {}
        self._size = size
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._stopped = threading.Event()

    @property
    def session(self) -> "Session":
        """The session of requests, which any thread may use."""
        from fetch.session import Session

        with self._lock:
            self._session = self._session or Session(self._size)
            return self._session

    def check(self) -> None:
        """Raise StoppedError once stop() was called."""
        if self._stopped.is_set():
            raise StoppedError

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond stop()."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def stop(self) -> None:
        """Have all downloads, now and later, raise StoppedError."""
        self._stopped.set()


def read_aside(answer: Iterator[T], limits: Limits, connections: Connections) -> Iterator[T]:
    """Yield the items of a generator that runs in a thread of its own: a response, then its bytes.

    Raises:
        RetryError: they come too slowly.
        StoppedError: the connections were stopped.
    """
    found: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(_AHEAD)
    given_up = threading.Event()

    def read() -> None:
        try:
            for item in answer:
                found.put((item,))
                if given_up.is_set():
                    break
            answer.close()  # type: ignore[attr-defined]
            found.put(None)
        except BaseException as error:
            found.put(error)

    threading.Thread(target=read, daemon=True).start()
    answered = False
    count = 0
    window = limits.connect + limits.window
    begin = time.monotonic()
    try:
        while True:
            connections.check()
            with contextlib.suppress(queue.Empty):
                item = found.get(timeout=_POLL)
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item[0], bytes):
                    count += len(item[0])
                yield item[0]
                if not answered:
                    answered, window, begin = True, limits.window, time.monotonic()
            if time.monotonic() - begin < window:
                continue
            if not answered:
                raise RetryError(f"no answer in {window:g} seconds", unreachable=True)
            if count < limits.rate * window:
                raise RetryError(f"too slow: {count} bytes in {window:g} seconds")
            count, begin = 0, time.monotonic()
    finally:
        given_up.set()
        with contextlib.suppress(queue.Empty):
            while True:
                found.get_nowait()
