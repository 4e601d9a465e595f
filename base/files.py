"""Files that are whole or not there, and the hash of what they hold."""

from __future__ import annotations

import contextlib
import os
import threading

# Read and called at every start of a build: os.path and open() cost a tenth of pathlib.


def write_atomically(
    path: str | os.PathLike[str], content: bytes | str, *, sync: bool = False
) -> None:
    """Write a file so that readers see the old content or the new; a full disk leaves the old.

    The folder is created at need.

    Args:
        content: text is encoded as UTF-8.
        sync: flush to the disk before the file takes its place, for what a power cut must not cost.

    Raises:
        OSError: the file cannot be written; nothing of it is left.
    """
    name = os.fspath(path)
    part = temporary(name)
    data = content.encode() if isinstance(content, str) else content
    try:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def temporary(path: str) -> str:
    """Return the path beside a file where this process, and no other, writes its new content."""
    return f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the sha256 of a file's content in lowercase hex.

    Raises:
        OSError: the file cannot be read.
    """
    import hashlib  # half of the time that this module takes to import

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
