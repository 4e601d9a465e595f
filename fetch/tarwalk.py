"""Walk a tar stream that may be hostile: plain names, bounds on everything, constant memory."""

import bz2
import io
import lzma
import struct
import tarfile
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from base.errors import DroidbpfError, printable

_CHUNK = 1 << 18
_HEADERS = 1 << 16
_XZ_MEMORY = 70 << 20
_RATIO_FLOOR = 16 << 20
_RESTARTS = 10_000


class ArchiveError(DroidbpfError):
    """The archive is damaged or hostile."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most: sizes in bytes, `ratio` times the size of the archive."""

    entries: int = 100_000
    total: int = 2 << 30
    file: int = 256 << 20
    ratio: int = 100
    path: int = 512
    depth: int = 40


DEFAULT = Limits()


@dataclass(frozen=True)
class Entry:
    """One member: a plain relative path, its kind, the target of a link."""

    path: str
    kind: str  # "file", "folder", "symlink", "hardlink"
    target: str
    size: int
    executable: bool
    stream: "Stream"

    def chunks(self) -> Iterator[bytes]:
        """Give a file's bytes; only before the walk goes on."""
        left = self.size
        while left:
            chunk = self.stream.read(min(left, _CHUNK))
            if not chunk:
                raise ArchiveError("is damaged or truncated")
            left -= len(chunk)
            yield chunk


def open_archive(path: Path, limits: Limits) -> "Stream":
    """Open a tar file, plain or compressed by gzip, bzip2 or xz (told by its first bytes)."""
    file = path.open("rb", buffering=0)
    magic = file.read(6)
    file.seek(0)
    decompressor: Callable[[], Any] | None = None
    if magic.startswith(b"\x1f\x8b"):
        decompressor = _Gzip
    elif magic.startswith(b"BZh"):
        decompressor = bz2.BZ2Decompressor
    elif magic == b"\xfd7zXZ\x00":
        decompressor = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY)
    total = limits.total
    if decompressor:
        total = min(total, max(_RATIO_FLOOR, limits.ratio * path.stat().st_size))
    return Stream(file, decompressor, total)


def walk(stream: "Stream", limits: Limits) -> Iterator[Entry]:
    """Give the members in order, then read the stream to its end, so that its checksum is verified.

    Raises:
        ArchiveError: not a tar file, truncated, beyond a limit, a name that is not plain, a device,
            a FIFO, a sparse file.
    """
    try:
        yield from _walk(stream, limits)
    except tarfile.TarError as error:
        raise ArchiveError("is damaged, or is no tar archive") from error
    except (ValueError, OverflowError, IndexError, struct.error) as error:
        raise ArchiveError("has a malformed header") from error


def _walk(stream: "Stream", limits: Limits) -> Iterator[Entry]:
    stream.headers = _HEADERS
    # The stream pretends to be a seekable file: tarfile then asks for the sizes that it wants, and
    # a header beyond the bound is refused before it is in memory.
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as tar:
        count = 0
        member = tar.next()
        if member is None:
            raise ArchiveError("holds nothing")
        while member is not None:
            count += 1
            if count > limits.entries:
                raise ArchiveError(f"holds more than {limits.entries} entries")
            stream.headers = None
            if entry := _entry(member, stream, limits):
                yield entry
            tar.members.clear()  # type: ignore[attr-defined]
            stream.headers = _HEADERS
            member = tar.next()
    # tarfile takes damage after the first member for the end of the archive.
    if len(stream.last) != tarfile.BLOCKSIZE or any(stream.last):
        raise ArchiveError("is damaged or truncated")
    stream.headers = None
    stream.drain()


def _entry(member: tarfile.TarInfo, stream: "Stream", limits: Limits) -> Entry | None:
    path = plain(member.name, limits)
    target = ""
    if member.sparse is not None:
        raise ArchiveError(f"holds a sparse file: {printable(path)}")
    if member.isreg():
        kind = "file"
        if not 0 <= member.size <= limits.file:
            raise ArchiveError(f"holds a file of {member.size} bytes: {printable(path)}")
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind, target = "symlink", member.linkname
    elif member.islnk():
        kind, target = "hardlink", plain(member.linkname, limits)
    else:
        raise ArchiveError(f"holds a device, a FIFO or an unknown kind of file: {printable(path)}")
    if not path:
        return None
    return Entry(path, kind, target, member.size, bool(member.mode & 0o100), stream)


def plain(name: str, limits: Limits) -> str:
    """Give a name as a relative path without `.` and empty parts; "" is the root itself."""
    shown = ascii(name if len(name) < 80 else name[:77] + "...")
    if name.startswith("/"):
        raise ArchiveError(f"holds an absolute path: {shown}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveError(f"holds a path with '..': {shown}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ArchiveError(f"holds a name with a control character or not in UTF-8: {shown}")
    path = "/".join(parts)
    if len(path.encode()) > limits.path or any(len(part.encode()) > 255 for part in parts):
        raise ArchiveError(f"holds an overlong name: {shown}")
    if len(parts) > limits.depth:
        raise ArchiveError(f"holds a path deeper than {limits.depth} folders: {shown}")
    return path


class _Gzip:
    """zlib's decompressor with the interface of bz2's and lzma's; the checksum is verified."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class Stream(io.RawIOBase):
    """The decompressed bytes, read forward only and counted.

    `headers`: while tarfile parses headers, how many bytes it may still read; None for no bound.
    """

    def __init__(self, file: IO[bytes], decompressor: Callable[[], Any] | None, total: int) -> None:
        self.headers: int | None = None
        self._file = file
        self._new = decompressor
        self._inner = decompressor() if decompressor else None
        self._total = total
        self._position = 0
        self._buffer = memoryview(b"")
        self._restarts = 0
        self.last = b""

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self._position:
            raise ArchiveError("has a header that points backwards")
        while self._position < offset:
            if not self._take(min(offset - self._position, _CHUNK)):
                break
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self.headers is not None:
            if size < 0 or size > self.headers:
                raise ArchiveError("has overlong headers")
            self.headers -= size
        parts = []
        while size > 0 and (part := self._take(size)):
            parts.append(bytes(part))
            size -= len(part)
        self.last = parts[0] if len(parts) == 1 else b"".join(parts)
        return self.last

    def drain(self) -> None:
        while self._take(_CHUNK):
            pass

    def close(self) -> None:
        self._file.close()
        super().close()

    def _take(self, size: int) -> memoryview:
        """Give up to `size` bytes, b"" at the end."""
        if not self._buffer:
            self._buffer = memoryview(self._decompress())
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        self._position += len(part)
        if self._position > self._total:
            raise ArchiveError(f"unpacks to more than {self._total} bytes")
        return part

    def _decompress(self) -> bytes:
        """Give the next bytes, b"" at the end; a file may hold several compressed streams."""
        if self._inner is None:
            return self._file.read(_CHUNK)
        try:
            while True:
                data = b""
                if self._inner.eof:
                    data = self._inner.unused_data or self._file.read(_CHUNK)
                    self._restarts += 1
                    if not data.strip(b"\0") or self._restarts > _RESTARTS:
                        return b""
                    self._inner = self._new()  # type: ignore[misc]
                elif self._inner.needs_input:
                    data = self._file.read(_CHUNK)
                out: bytes = self._inner.decompress(data, _CHUNK)
                if out:
                    return out
                if not data and self._inner.needs_input and not self._inner.eof:
                    raise ArchiveError("is damaged or truncated")
        except (zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
            raise ArchiveError("is damaged") from error
        except OSError as error:
            if error.errno is None:  # bz2 tells bad data so
                raise ArchiveError("is damaged") from error
            raise
