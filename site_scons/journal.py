"""A file of pickled values, added one by one: what was added before a kill or a full disk stays."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import zlib
from typing import Any

FRAME = struct.Struct("<II")  # size of a pickled value in bytes, its CRC-32


class Journal:
    """A journal at a path, for one process at a time.

    Args:
        path: the file; its folder must exist when a value is added.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._end = 0  # of the last whole value, in bytes
        self._handle: int | None = None

    def read(self) -> list[Any]:
        """Return the values up to the first that is cut or damaged; none without a file."""
        try:
            with open(self._path, "rb") as file:
                content = file.read()
        except OSError:
            return []
        values = []
        self._end = 0
        while self._end + FRAME.size <= len(content):
            size, checksum = FRAME.unpack_from(content, self._end)
            start = self._end + FRAME.size
            pickled = content[start : start + size]
            if not size or len(pickled) < size or zlib.crc32(pickled) != checksum:
                break
            values.append(pickle.loads(pickled))
            self._end = start + size
        return values

    def append(self, value: Any) -> None:
        """Add a value, after the last whole one; do nothing where the disk is full."""
        pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        frame = FRAME.pack(len(pickled), zlib.crc32(pickled)) + pickled
        with contextlib.suppress(OSError):
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
                os.ftruncate(self._handle, self._end)
            if os.pwrite(self._handle, frame, self._end) == len(frame):
                self._end += len(frame)

    def clear(self) -> None:
        """Remove all values."""
        self._end = 0
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)
