"""The content-addressed cache: nothing is under `<cache>/sha256/<hash>` that was not verified.

Beside it: `locks/<hash>`, one lock a file; `partial/<hash>`, what a broken download left, never
trusted.

A file is verified before each use, and stays what it is because nobody else can write there: a
cache, or a folder of it, that belongs to neither the user nor root, or that others may write to, is
refused.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from base import files
from base.errors import DroidbpfError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_POLL = 0.05  # seconds between two attempts to get a lock


class CacheError(DroidbpfError):
    """The cache folder itself fails (full, read-only, of another user): no other place can help."""


class CorruptError(DroidbpfError):
    """A cached file has not the bytes that its name promises."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the cached file {path} is corrupt ({reason})")


def content(cache: Path, sha256: str) -> Path:
    """Return the path of a file in the cache, whether it is there or not."""
    return cache / "sha256" / sha256


def check_owner(cache: Path, *names: str) -> None:
    """Refuse a cache, or named folders of it, that another user than root could have written.

    The cache may be a link, its folders may not.

    Raises:
        CacheError: it is refused.
    """
    for path in (cache, *(cache / name for name in names)):
        try:
            status = path.stat(follow_symlinks=path == cache)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise CacheError(f"cannot read {path}: {error.strerror}") from error
        if stat.S_ISLNK(status.st_mode):
            raise CacheError(f"{path} is a link", "the cache itself may be one, its folders not")
        if status.st_uid not in (os.geteuid(), 0):
            hint = "set DROIDBPF_CACHE to a folder of your own"
            raise CacheError(f"the download cache {path} belongs to another user", hint)
        private_group = status.st_gid == status.st_uid  # useradd(8): the user's own, umask 002
        if status.st_mode & (stat.S_IWOTH if private_group else stat.S_IWOTH | stat.S_IWGRP):
            hint = f"chmod go-w {path}, or set DROIDBPF_CACHE to a folder of your own"
            raise CacheError(f"other users can write to the download cache {path}", hint)


def make_folder(cache: Path, name: str = "") -> Path:
    """Return a folder of the cache, or the cache itself, created at need and not shared."""
    folder = cache / name
    with writing(cache):
        cache.parent.mkdir(parents=True, exist_ok=True)
        for path in dict.fromkeys((cache, folder)):
            path.mkdir(mode=0o755, exist_ok=True)
    check_owner(cache, name)
    return folder


def find(cache: Path, sha256: str) -> Path | None:
    """Return a cached file, verified; None where it is not there.

    Raises:
        CorruptError: the file is there with other bytes.
        CacheError: it cannot be read, or the cache is another user's.
    """
    path = content(cache, sha256)
    check_owner(cache, "sha256")
    if path.is_symlink():
        raise CorruptError(path, "it is a link")
    try:
        found = files.sha256(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CacheError(f"cannot read {path}: {error.strerror}") from error
    if found != sha256:
        raise CorruptError(path, f"its sha256 is {found}")
    return path


@contextlib.contextmanager
def lock(cache: Path, name: str, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of a file of the cache; others, in this process or not, wait.

    Args:
        pause: sleeps for a number of seconds while another has the lock, or raises to give up.
    """
    path = make_folder(cache, "locks") / name
    with writing(cache):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(path, flags, 0o644)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            pause(_POLL)
        yield
    finally:
        os.close(handle)


def partial(cache: Path, sha256: str) -> Path:
    """Return the path of what is not verified yet; its folder is created."""
    path = make_folder(cache, "partial") / sha256
    if path.is_symlink():
        with writing(cache):
            path.unlink()
    return path


def adopt(file: Path, cache: Path, sha256: str) -> Path | None:
    """Move a file into the cache if it has the promised bytes; else return None and leave it.

    Args:
        file: a file on the cache's file system, that nobody else writes.
    """
    with writing(cache):
        if files.sha256(file) != sha256:
            return None
        file.chmod(0o644)
        return file.replace(make_folder(cache, "sha256") / sha256)


@contextlib.contextmanager
def writing(cache: Path, size: int = 0) -> Iterator[None]:
    """Raise a CacheError where writing fails; `size` is what is needed, in bytes."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(cache, size) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            message = f"cannot write to the download cache {cache}: {error.strerror}"
            hint = "make it writable, or set DROIDBPF_CACHE to another folder"
            raise CacheError(message, hint) from error
        hint = "set DROIDBPF_CACHE to another folder"
        raise CacheError(f"the download cache {cache} fails: {error}", hint) from error


def full(cache: Path, size: int) -> CacheError:
    """Return the error of a full disk; `size` is what the download needs, in bytes, or 0."""
    need = f": the download needs {size} bytes" if size else ""
    return CacheError(
        f"no space left in the download cache {cache}{need}",
        "free some space, or set DROIDBPF_CACHE to another folder",
    )


def check_space(cache: Path, size: int) -> None:
    """Raise the error of a full disk before a download of `size` bytes begins in vain."""
    make_folder(cache)
    with writing(cache):
        status = os.statvfs(cache)
    if status.f_bavail * status.f_frsize < size:
        raise full(cache, size)
