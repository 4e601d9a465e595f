"""What all tests need of the processes that run them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Handle SIGINT: a shell's background job ignores it, and so would what tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run folders of tests in several processes, and files that are named in one.

    There is one process more than processors: tests wait for guests, servers and locks.
    """
    files = all(Path(name.partition("::")[0]).is_file() for name in config.args)
    return 0 if files else (os.cpu_count() or 1) + 1
