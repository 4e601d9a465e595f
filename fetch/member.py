"""Read the one file of a small, unpinned archive (.tar.xz), in memory and within bounds.

A hub's archive has no hash before it is pinned, so its headers are read strictly here: tarfile
would follow chains of headers, and takes quadratic time for some.
"""

import lzma
import re
import tarfile
from pathlib import Path

from base.errors import DroidbpfError, printable
from fetch.errors import ArchiveError

_ENTRIES = 16  # some packers write folders and headers of attributes around the file
_HEADERS = 1 << 20  # bytes of a tar archive beside its file, at most
_XZ_MEMORY = 70 << 20
_BLOCK = tarfile.BLOCKSIZE


def read_member(archive: Path, suffix: str, largest: int) -> tuple[str, bytes]:
    """Return the name, without folders, and the content of the only file of an archive.

    Args:
        suffix: how the name ends.
        largest: the bytes that the file may have.

    Raises:
        DroidbpfError: damaged or hostile, something else than one such file, or it cannot be read.
    """
    where = printable(str(archive))
    try:
        with archive.open("rb") as file:
            packed = file.read(largest + 1)
        return _only_file(_decompressed(packed, largest + _HEADERS), suffix, largest)
    except ArchiveError as error:
        hint = f"a hub's archive holds one file, *{suffix}"
        raise ArchiveError(f"the archive {where} {error.message}", hint) from error
    except (lzma.LZMAError, tarfile.TarError) as error:
        raise ArchiveError(f"the archive {where} is damaged, or is no .tar.xz") from error
    except OSError as error:
        raise DroidbpfError(f"cannot read {where}: {error.strerror}") from error


def _decompressed(packed: bytes, largest: int) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
    data = decompressor.decompress(packed, largest)
    if not decompressor.eof:
        reason = f"unpacks to more than {largest} bytes" if len(data) == largest else "is cut off"
        raise ArchiveError(reason)
    return data


def _only_file(data: bytes, suffix: str, largest: int) -> tuple[str, bytes]:
    found: list[tuple[str, bytes]] = []
    begin = entries = 0
    while any(header := data[begin : begin + _BLOCK]):
        info = tarfile.TarInfo.frombuf(header, "ascii", "backslashreplace")
        begin += _BLOCK
        entries += 1
        if entries > _ENTRIES or not 0 <= info.size <= len(data) - begin:
            raise ArchiveError("has too many headers, or is cut off")
        content = data[begin : begin + info.size]
        begin += -(-info.size // _BLOCK) * _BLOCK
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
            if re.search(rb" (path|size|GNU\.sparse\.\w+)=", content):
                raise ArchiveError("has a header that changes a name or a size")
        elif not info.isdir():
            name = info.name.rpartition("/")[2]
            plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~-]*", name) and name.endswith(suffix)
            if found or info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not plain:
                raise ArchiveError(f"holds something else than one {suffix} file: {info.name!a}")
            found.append((name, content))
    if not found:
        raise ArchiveError(f"holds no {suffix} file")
    if len(found[0][1]) > largest:
        raise ArchiveError(f"holds a file of {len(found[0][1])} bytes")
    return found[0]
