"""What all tests need of the processes that run them."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Heed SIGINT: a job in a shell's background ignores it, and so would all that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run all tests by a process for each processor, and those that are named by one."""
    return 0 if config.args_source is config.ArgsSource.ARGS else None
