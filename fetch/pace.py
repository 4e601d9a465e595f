"""How long a server may keep a download: seconds, bytes a second, counts."""

import time
from dataclasses import dataclass

from fetch.errors import PlaceError
from fetch.reasons import RetryError


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes a second, and counts."""

    connect: float = 10
    window: float = 15  # in every window, `rate` bytes a second must arrive
    rate: int = 4096
    total: float = 3600
    retries: int = 3
    backoff: float = 0.5  # before the first retry; doubled each time, with jitter
    retry_after: float = 10  # a longer Retry-After is cut to this
    redirects: int = 10


class Pace:
    """Raises in check() once the bytes of an answer come too slowly."""

    def __init__(self, limits: Limits) -> None:
        self.count = 0  # bytes of the body in this window
        self._limits = limits
        self._end = time.monotonic() + limits.total
        self._window_end = time.monotonic() + limits.connect + limits.window
        self._answered = False

    def begin(self) -> None:
        """Expect the body from now on."""
        self._answered = True
        self._window_end = time.monotonic() + self._limits.window

    def check(self) -> None:
        now = time.monotonic()
        limits = self._limits
        if now > self._end:
            raise PlaceError(f"not finished in {limits.total:g} seconds")
        if now < self._window_end:
            return
        if not self._answered:
            seconds = limits.connect + limits.window
            raise RetryError(f"no answer in {seconds:g} seconds", unreachable=True)
        if self.count < limits.rate * limits.window:
            raise RetryError(f"too slow: {self.count} bytes in {limits.window:g} seconds")
        self.count = 0
        self._window_end = now + limits.window
