"""The .btf.tar.xz files that a hub is made of: one BTF in a compressed tar archive.

An archive has no hash before it is pinned, so its headers are read strictly here: tarfile would
follow chains of headers, and takes quadratic time for some.
"""

import io
import lzma
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from base.errors import DroidbpfError, printable
from btfhub.btf import MAX_BYTES
from btfhub.file_errors import file_errors

T = TypeVar("T")

RAW = b"\x9f\xeb"  # begins BTF
_ENTRIES = 16  # some packers write folders and headers of attributes around the file
_HEADERS = 1 << 20  # bytes of a tar archive beside its file, at most
_XZ_MEMORY = 70 << 20
_BLOCK = tarfile.BLOCKSIZE
_MTIME = 315_532_800  # 1980-01-01: what is packed must not depend on the clock


def unpack(archive: Path) -> tuple[str, bytes]:
    """Return the one BTF in a hub's archive.

    Only the archive is checked, not the BTF: that is btf.check's part.

    Returns:
        The member's file name, which ends in .btf, and its bytes.

    Raises:
        DroidbpfError: damaged or hostile, not exactly one *.btf member, or it cannot be read.
    """
    return _opened(archive, _only_file)


def read(archive: Path) -> bytes:
    """Return what unpack() finds in a hub's archive, or the BTF in an .xz file.

    Raises:
        DroidbpfError: as unpack().
    """
    return _opened(archive, lambda data: data if data.startswith(RAW) else _only_file(data)[1])


def _opened(archive: Path, find: Callable[[bytes], T]) -> T:
    with file_errors("read", archive), archive.open("rb") as file:
        packed = file.read(MAX_BYTES + 1)
    where = printable(str(archive))
    try:
        return find(_decompressed(packed, MAX_BYTES + _HEADERS))
    except DroidbpfError as error:
        hint = "a hub's archive holds one file, *.btf"
        raise DroidbpfError(f"the archive {where} {error.message}", hint) from error
    except (lzma.LZMAError, tarfile.TarError) as error:
        raise DroidbpfError(f"the archive {where} is damaged, or is no .tar.xz") from error


def _decompressed(packed: bytes, largest: int) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
    data = decompressor.decompress(packed, largest)
    if not decompressor.eof:
        reason = f"unpacks to more than {largest} bytes" if len(data) == largest else "is cut off"
        raise DroidbpfError(reason)
    return data


def _only_file(data: bytes) -> tuple[str, bytes]:
    found: list[tuple[str, bytes]] = []
    begin = entries = 0
    while any(header := data[begin : begin + _BLOCK]):
        info = tarfile.TarInfo.frombuf(header, "ascii", "backslashreplace")
        begin += _BLOCK
        entries += 1
        if entries > _ENTRIES or not 0 <= info.size <= len(data) - begin:
            raise DroidbpfError("has too many headers, or is cut off")
        content = data[begin : begin + info.size]
        begin += -(-info.size // _BLOCK) * _BLOCK
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
            if re.search(rb" (path|size|GNU\.sparse\.\w+)=", content):
                raise DroidbpfError("has a header that changes a name or a size")
        elif not info.isdir():
            name = info.name.rpartition("/")[2]
            plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~-]*\.btf", name)
            if found or info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not plain:
                raise DroidbpfError(f"holds something else than one .btf file: {info.name!a}")
            found.append((name, content))
    if not found:
        raise DroidbpfError("holds no .btf file")
    if len(found[0][1]) > MAX_BYTES:
        raise DroidbpfError(f"holds a file of {len(found[0][1])} bytes")
    return found[0]


def pack(name: str, data: bytes) -> bytes:
    """Return a .btf.tar.xz with one member: the same bytes for the same name and data.

    Args:
        name: the member's name, which ends in .btf.
    """
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mtime = _MTIME
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(data))
    return lzma.compress(
        packed.getvalue(), lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=6 | lzma.PRESET_EXTREME
    )
