"""Connections that many downloads share, and are cut where bytes arrive too slowly.

A timeout of requests is for one read: a server that sends a byte now and then, in the headers too,
keeps a client for ever. Here a thread for each download looks at the number of bytes that came.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests


class StoppedError(Exception):
    """The downloads were told to end: no other place is to be tried."""


class Guard(threading.Thread):
    """Cuts the sockets that it is shown once `count` grows too slowly, and says so in `verdict`.

    `reused` tells whether the last connection was a kept one; `fresh` asks for a new one.
    """

    def __init__(self, window: float, rate: int, total: float) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.verdict = ""
        self.reused = False
        self.fresh = False
        self._window = window
        self._rate = rate
        self._total = total
        self._sockets: list[socket.socket] = []
        self._anchor: float | None = None
        self._finished = threading.Event()
        self._lock = threading.Lock()

    def show(self, opened: socket.socket) -> None:
        """Take a connected socket; from now on bytes must come. Its duplicate outlives TLS."""
        with self._lock:
            self._sockets.append(opened.dup())
        self._anchor = time.monotonic()
        if self.verdict:
            self.cut(self.verdict)

    def run(self) -> None:
        end = time.monotonic() + self._total
        seen = 0
        anchor: float | None = None
        while not self._finished.wait(min(0.5, self._window / 4)):
            now = time.monotonic()
            if now > end:
                return self.cut(f"not finished in {self._total:g} seconds")
            if self._anchor is not None and (anchor is None or self._anchor > anchor):
                anchor, seen = self._anchor, self.count
            if anchor is not None and now - anchor >= self._window:
                came = self.count - seen
                if came < self._rate * self._window:
                    return self.cut(f"too slow: {came} bytes in {self._window:g} seconds")
                anchor, seen = now, self.count
        return None

    def finish(self) -> None:
        """Stop watching."""
        self._finished.set()
        self.join()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def cut(self, verdict: str) -> None:
        """Break the connections of the download, for the reason given."""
        self.verdict = verdict
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


class Connections:
    """A pool of kept connections for any number of threads, each download with its own guard.

    `reached` and `unreachable` tell of hosts (host:port) that answered, and why the others did not.
    """

    def __init__(self, size: int = 1) -> None:
        self.reached: set[str] = set()
        self.unreachable: dict[str, str] = {}
        self._size = size
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._guards: set[Guard] = set()
        self._stopped = threading.Event()
        self._here = threading.local()

    @contextlib.contextmanager
    def guarded(
        self, window: float, rate: int, total: float
    ) -> Iterator[tuple["requests.Session", Guard]]:
        """Give the session, and the guard of what this thread does with it.

        Args:
            window: seconds, in which `rate` bytes a second must come.
            total: seconds that the download may take.
        """
        guard = Guard(window, rate, total)
        with self._lock:
            self._guards.add(guard)
            if self._session is None:
                self._session = _session(self._here, self._size)
        self._here.guard = guard
        try:
            self.check()
            guard.start()
            try:
                yield self._session, guard
            finally:
                guard.finish()
        finally:
            del self._here.guard
            with self._lock:
                self._guards.discard(guard)

    def check(self) -> None:
        """Raise StoppedError once stop() was called."""
        if self._stopped.is_set():
            raise StoppedError

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond stop()."""
        if self._stopped.wait(seconds):
            raise StoppedError

    def stop(self) -> None:
        """Break all downloads, now and later: they raise StoppedError."""
        self._stopped.set()
        with self._lock:
            guards = list(self._guards)
        for guard in guards:
            guard.cut("stopped")

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


def _session(here: threading.local, size: int) -> "requests.Session":
    """Make a session that keeps `size` connections and shows each to the guard of its thread."""
    import http.cookiejar

    import requests.adapters
    import urllib3.connection

    class Plain(urllib3.connection.HTTPConnection):
        line: socket.socket | None = None  # a duplicate: the socket itself may be inside TLS

        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            self.line = opened.dup()
            here.guard.show(opened)
            return opened

        def close(self) -> None:
            super().close()
            if self.line is not None:
                self.line.close()
                self.line = None

    class Secure(Plain, urllib3.connection.HTTPSConnection):
        pass

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

        def _get_conn(self, timeout: float | None = None) -> Any:
            connection: Any = super()._get_conn(timeout)
            guard: Guard = here.guard
            guard.reused = connection.line is not None and not guard.fresh
            if guard.reused:
                guard.show(connection.line)
            elif connection.line is not None:
                connection.close()
            return connection

    class SecurePool(PlainPool, urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    pools = {"http": PlainPool, "https": SecurePool}
    session = requests.Session()
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    for scheme in pools:
        session.mount(f"{scheme}://", Adapter(pool_maxsize=size, max_retries=0))
    return session
