"""A requests session whose sockets are cut when bytes arrive too slowly.

A timeout of requests is for one read: a server that sends a byte now and then, in the headers too,
keeps a client for ever. Here a thread looks at the number of bytes that came.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
import requests.adapters
import urllib3.connection


class Guard(threading.Thread):
    """Cuts the sockets that it is shown once `count` grows too slowly, and says so in `verdict`."""

    def __init__(self, window: float, rate: int, total: float) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.verdict = ""
        self._window = window
        self._rate = rate
        self._total = total
        self._sockets: list[socket.socket] = []
        self._anchor: float | None = None
        self._finished = threading.Event()

    def show(self, opened: socket.socket) -> None:
        """Take a connected socket; from now on bytes must come. Its duplicate outlives TLS."""
        self._sockets.append(opened.dup())
        self._anchor = time.monotonic()

    def run(self) -> None:
        end = time.monotonic() + self._total
        seen = 0
        anchor: float | None = None
        while not self._finished.wait(min(0.5, self._window / 4)):
            now = time.monotonic()
            if now > end:
                return self._cut(f"not finished in {self._total:g} seconds")
            if self._anchor is not None and (anchor is None or self._anchor > anchor):
                anchor, seen = self._anchor, self.count
            if anchor is not None and now - anchor >= self._window:
                came = self.count - seen
                if came < self._rate * self._window:
                    return self._cut(f"too slow: {came} bytes in {self._window:g} seconds")
                anchor, seen = now, self.count
        return None

    def finish(self) -> None:
        """Stop watching."""
        self._finished.set()
        self.join()
        for one in self._sockets:
            one.close()

    def _cut(self, verdict: str) -> None:
        self.verdict = verdict
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def guarded_session(
    window: float, rate: int, total: float
) -> Iterator[tuple[requests.Session, Guard]]:
    """Give a session and its guard: seconds, bytes a second, seconds."""
    guard = Guard(window, rate, total)

    class Plain(urllib3.connection.HTTPConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            guard.show(opened)
            return opened

    class Secure(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            guard.show(opened)
            return opened

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
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
    with requests.Session() as session:
        session.mount("http://", Adapter(max_retries=0))
        session.mount("https://", Adapter(max_retries=0))
        guard.start()
        try:
            yield session, guard
        finally:
            guard.finish()
