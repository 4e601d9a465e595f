"""Errors that name the file they are about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import write_atomically


@contextmanager
def file_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into `cannot <action> <path>: <reason>`.

    Raises:
        DroidbpfError: an OSError occurred.
    """
    try:
        yield
    except OSError as error:
        message = f"cannot {action} {printable(str(path))}: {error.strerror}"
        raise DroidbpfError(message) from error


@contextmanager
def errors_of(where: str | Path) -> Iterator[None]:
    """Put the name of a file before the message of an error.

    Raises:
        DroidbpfError: one occurred.
    """
    try:
        yield
    except DroidbpfError as error:
        raise DroidbpfError(f"{printable(str(where))}: {error.message}", error.hint) from error


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file so that readers see the old content or the new.

    Raises:
        DroidbpfError: it cannot be written.
    """
    with file_errors("write", path):
        write_atomically(path, content)
