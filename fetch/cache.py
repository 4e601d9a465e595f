"""The content-addressed cache: nothing is under `<cache>/sha256/<hash>` that was not verified.

Beside it: `verified/<hash>`, a stamp that spares the next rehash; `locks/<hash>`, one lock a file;
`partial/<hash>`, what a broken download left, never trusted.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from base.errors import DroidbpfError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CHUNK = 1 << 18
_POLL = 0.05  # seconds between two attempts to get a lock


class CacheError(DroidbpfError):
    """The cache folder itself fails (full, read-only): no other place can help."""


def content(cache: Path, sha256: str) -> Path:
    """Give the path of a file in the cache, whether it is there or not."""
    return cache / "sha256" / sha256


def digest(path: Path) -> str:
    """Give the sha256 of a file in lowercase hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(cache: Path, sha256: str, size: int) -> Path | None:
    """Give a cached file, verified against its stamp or, without a good one, by its bytes.

    Args:
        size: what it must be, in bytes; 0 where it is not known.

    Raises:
        CorruptError: the file is there with other bytes.
    """
    path = content(cache, sha256)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CacheError(f"cannot read {path}: {error.strerror}") from error
    if size and status.st_size != size:
        raise CorruptError(path, f"{status.st_size} bytes instead of {size}")
    stamp = _stamp_of(status)
    with contextlib.suppress(OSError):
        if (cache / "verified" / sha256).read_text() == stamp:
            return path
    try:
        found = digest(path)
    except OSError as error:
        raise CacheError(f"cannot read {path}: {error.strerror}") from error
    if found != sha256:
        raise CorruptError(path, f"its sha256 is {found}")
    with contextlib.suppress(OSError):
        _write_stamp(cache, sha256, stamp)
    return path


def find_or_remove(
    cache: Path, sha256: str, size: int, report: Callable[[str], None]
) -> Path | None:
    """Give a cached file as find() does; a corrupt one is reported and removed."""
    try:
        return find(cache, sha256, size)
    except CorruptError as error:
        report(f"{error.message}: it is removed and fetched again")
        with writing(cache):
            error.path.unlink(missing_ok=True)
        return None


class CorruptError(DroidbpfError):
    """A cached file has not the bytes that its name promises."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the cached file {path} is corrupt ({reason})", "delete it")
        self.path = path
        self.reason = reason


@contextlib.contextmanager
def lock(cache: Path, name: str, pause: Callable[[float], None] | None = None) -> Iterator[None]:
    """Hold the lock of a file of the cache; others, in this process or not, wait.

    Args:
        pause: sleeps for a number of seconds while another has the lock, or raises to give up.
    """
    path = cache / "locks" / name
    with writing(cache):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if pause:
            while not _try_lock(handle):
                pause(_POLL)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def partial(cache: Path, sha256: str) -> Path:
    """Give the path of what is not verified yet; its folder is made."""
    path = cache / "partial" / sha256
    with writing(cache):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def adopt(file: Path, cache: Path, sha256: str, size: int) -> Path | None:
    """Move a file into the cache if it has the promised bytes; else give None and leave it.

    Args:
        file: a file on the cache's file system, that nobody else writes.
        size: what it must be, in bytes; 0 where it is not known.
    """
    path = content(cache, sha256)
    with writing(cache, size):
        if (size and file.stat().st_size != size) or digest(file) != sha256:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        file.chmod(0o644)
        file.replace(path)
        _sync_folder(path.parent)
        _write_stamp(cache, sha256, _stamp_of(path.stat()))
    return path


def copy(source: IO[bytes], target: Path, cache: Path, size: int) -> None:
    """Write at most one byte more than `size` of a stream to a file of the cache."""
    left = size + 1
    with writing(cache, size), target.open("wb") as write:
        while left and (chunk := source.read(min(left, _CHUNK))):
            write.write(chunk)
            left -= len(chunk)


@contextlib.contextmanager
def writing(cache: Path, size: int = 0) -> Iterator[None]:
    """Turn a failure to write into a CacheError; `size` is what is needed, in bytes."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(cache, size) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise CacheError(
                f"cannot write to the download cache {cache}: {error.strerror}",
                "make it writable, or set DROIDBPF_CACHE to another folder",
            ) from error
        hint = "set DROIDBPF_CACHE to another folder"
        raise CacheError(f"the download cache {cache} fails: {error}", hint) from error


def full(cache: Path, size: int) -> CacheError:
    """Make the error of a full disk; `size` is what the download needs, in bytes, or 0."""
    need = f": the download needs {size} bytes" if size else ""
    return CacheError(
        f"no space left in the download cache {cache}{need}",
        "free some space, or set DROIDBPF_CACHE to another folder",
    )


def check_space(cache: Path, size: int) -> None:
    """Raise the error of a full disk before a download of `size` bytes begins in vain."""
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
        status = os.statvfs(cache)
    if status.f_bavail * status.f_frsize < size:
        raise full(cache, size)


def _stamp_of(status: os.stat_result) -> str:
    """Describe the file so that any later write to it changes the description."""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}\n"


def _write_stamp(cache: Path, sha256: str, stamp: str) -> None:
    folder = cache / "verified"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{sha256}.{os.getpid()}"
    temporary.write_text(stamp)
    temporary.replace(folder / sha256)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
