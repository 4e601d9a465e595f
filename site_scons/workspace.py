"""The build folder: the only place a build writes to, but for the cache of downloads."""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import SCons.SConsign

from base.errors import DroidbpfError

BUILD = "build"
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


def link(path: str, folder: str) -> None:
    """Let a symbolic link lead to a folder; it is written only where it does not yet.

    Args:
        path: the link, below the build folder.
        folder: an absolute path.
    """
    with contextlib.suppress(OSError):
        if os.readlink(path) == folder:
            return
    part = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(folder, part)
        os.replace(part, path)
    except OSError as error:
        hint = "a build keeps a link there: remove what is in its place"
        raise DroidbpfError(f"cannot make the link {path}: {error.strerror}", hint) from None


def cache(folder: str) -> None:
    """Make a folder of the cache that steps write to: zig says no more than AccessDenied, or waits.

    Raises:
        DroidbpfError: it cannot be made or written to.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        hint = "make it writable, or set DROIDBPF_CACHE to another folder"
        raise DroidbpfError(f"cannot write to the cache {folder}: {error.strerror}", hint) from None


def lock() -> None:
    """Keep others from building in this folder until we end or unlock(); wait for them first.

    The steps' processes hold it too: those that outlive a killed build end before the next one.
    What a killed build made is removed: SCons has no record of what it was made of.

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
    with open(handle, "rb", closefd=False) as lost:
        for name in lost.read().splitlines():
            with contextlib.suppress(OSError):
                os.unlink(name)
    _empty(handle)
    atexit.register(unlock)


def _empty(handle: int) -> None:
    if os.fstat(handle).st_size:  # a build that has nothing to do writes nothing
        os.truncate(handle, 0)


def making(names: Iterable[str]) -> None:
    """Note in the lock what is being made, until it ends."""
    for handle in _held:
        os.write(handle, "".join(f"{name}\n" for name in names).encode())


def spare_database() -> None:
    """Keep SCons from writing its database again where no step has made a thing.

    It would be the same: what SCons knows of a file is of the step that made it. Writing is a tenth
    of a null build's time, and grows with all that was ever built in the folder.
    """
    write = SCons.SConsign.write

    def written_if_changed() -> None:
        if any(os.fstat(handle).st_size for handle in _held):
            write()

    SCons.SConsign.write = written_if_changed


def held() -> tuple[int, ...]:
    """Give the file descriptors that hold the lock."""
    return tuple(_held)


def unlock() -> None:
    """Let others build in this folder: SCons has written its record of what was made."""
    while _held:
        handle = _held.pop()
        with contextlib.suppress(OSError):
            _empty(handle)
            os.close(handle)


def probes() -> Path:
    """Give the file that remembers what tools said of themselves."""
    return Path(BUILD, "probes.json")
