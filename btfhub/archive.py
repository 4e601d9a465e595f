"""The .btf.tar.xz files that a hub is made of: one BTF in a compressed tar archive."""

import io
import lzma
import tarfile
from pathlib import Path

from btfhub.btf import MAX_BYTES
from fetch.extract import MTIME
from fetch.member import read_member


def unpack(archive: Path) -> tuple[str, bytes]:
    """Return the one BTF in a hub's archive.

    Only the archive is checked, not the BTF: that is btf.check's part.

    Returns:
        The member's file name, which ends in .btf, and its bytes.

    Raises:
        DroidbpfError: damaged or hostile, not exactly one *.btf member, or it cannot be read.
    """
    return read_member(archive, ".btf", MAX_BYTES)


def pack(name: str, data: bytes) -> bytes:
    """Return a .btf.tar.xz with one member: the same bytes for the same name and data.

    Args:
        name: the member's name, which ends in .btf.
    """
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mtime = MTIME
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(data))
    return lzma.compress(
        packed.getvalue(), lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=6 | lzma.PRESET_EXTREME
    )
