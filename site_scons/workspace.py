"""The build folder: where a build writes everything but downloads and compiled Python modules."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from base.errors import DroidbpfError

BUILD = "build"
PROBES = Path(BUILD, "probes.json")  # what tools reported about themselves
_held: list[int] = []


def prepare() -> None:
    """Make the build folder.

    Raises:
        DroidbpfError: it cannot be made or written to.
    """
    hint = "a build writes only there: make it writable, or work in a copy of this folder"
    try:
        os.makedirs(BUILD, exist_ok=True)
    except OSError as error:
        raise DroidbpfError(f"cannot make the folder {BUILD}: {error.strerror}", hint) from None
    if not os.access(BUILD, os.W_OK | os.X_OK):
        raise DroidbpfError(f"the folder {BUILD} is read-only", hint)


def lock() -> None:
    """Keep others from building in this folder until we end; wait for them first.

    The steps' processes hold it too: those that outlive a killed build end before the next one.

    Raises:
        DroidbpfError: the lock cannot be made, or is another user's.
    """
    path = f"{BUILD}/lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    except OSError as error:
        hint = "a folder is built in by one user: take it over by chown, or work in a copy of it"
        raise DroidbpfError(f"cannot open {path}: {error.strerror}", hint) from None
    _held.append(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another build in this folder", file=sys.stderr)
        fcntl.flock(handle, fcntl.LOCK_EX)


def held() -> tuple[int, ...]:
    """Return the file descriptors that hold the lock."""
    return tuple(_held)
