"""Connections that many downloads share, and answers that are waited for only so long.

A timeout of requests is for one read: a server that sends a byte now and then, in its headers or
between two chunks, keeps a client forever. So a thread reads each answer, and the download waits
for that thread with a deadline. A thread that was given up ends at its next byte.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
_POLL = 0.1  # seconds between two looks at the clock while nothing comes
_AHEAD = 8  # items that are read before they are asked for


class StoppedError(Exception):
    """The downloads were stopped: no other place is to be tried."""


class Connections:
    """A pool of kept connections for any number of threads.

    `reached` holds the hosts (host:port) that answered, `unreachable` why others did not.
    """

    def __init__(self, size: int = 1) -> None:
        self.reached: set[str] = set()
        self.unreachable: dict[str, str] = {}
        self._size = size
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._stopped = threading.Event()

    @property
    def session(self) -> "requests.Session":
        """The session of requests, which any thread may use."""
        with self._lock:
            if self._session is None:
                self._session = _new_session(self._size)
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

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def __enter__(self) -> "Connections":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_aside(items: Iterator[T], check: Callable[[], None]) -> Iterator[T]:
    """Yield the items of a generator that runs in a thread of its own.

    Args:
        check: called before each item, and while none comes; raises to give the generator up.
    """
    found: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(_AHEAD)
    given_up = threading.Event()

    def read() -> None:
        try:
            for item in items:
                found.put((item,))
                if given_up.is_set():
                    break
            items.close()  # type: ignore[attr-defined]
            found.put(None)
        except BaseException as error:
            found.put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            check()
            with contextlib.suppress(queue.Empty):
                item = found.get(timeout=_POLL)
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item[0]
    finally:
        given_up.set()
        with contextlib.suppress(queue.Empty):
            while True:
                found.get_nowait()


def _new_session(size: int) -> "requests.Session":
    """Return a session that keeps `size` connections, and no cookies.

    A kept connection may be closed by its server at any moment: a request that got no answer on it
    is sent once more. What else to retry depends on what is there already: http.download decides.
    """
    import http.cookiejar

    import requests.adapters
    import urllib3

    retry = urllib3.Retry(total=1, connect=0, read=1, respect_retry_after_header=False)
    session = requests.Session()
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http", "https"):
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=size, max_retries=retry)
        session.mount(f"{scheme}://", adapter)
    return session
