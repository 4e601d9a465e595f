"""Working on many BTFs at once, each in a process: checking one keeps a processor busy."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from base.errors import DroidbpfError

T = TypeVar("T")


def each(do: Callable[..., T], first: Sequence[Any], *others: Sequence[Any]) -> list[T]:
    """Call a function as map() does, by as many processes as there are CPUs; return its results.

    Raises:
        DroidbpfError: a process was killed; or the first error of `do`.
    """
    jobs = min(len(first), len(os.sched_getaffinity(0)))
    if jobs < 2:
        return list(map(do, first, *others))
    from concurrent.futures import ProcessPoolExecutor  # as slow to import as Python is to start
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_the_parent)
    try:
        return list(pool.map(do, first, *others))
    except BrokenProcessPool as error:
        raise DroidbpfError("a process that worked on BTFs was killed") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
