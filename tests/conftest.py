"""What all tests need of the process that runs them."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Heed SIGINT: a job in a shell's background ignores it, and so would all that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
