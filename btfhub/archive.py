"""The .btf.tar.xz files that a hub is made of: one BTF in a compressed tar archive."""

import io
import lzma
import tarfile
from pathlib import Path

from base.errors import DroidbpfError, printable
from btfhub.btf import MAX_BYTES
from fetch.extract import MTIME
from fetch.tarwalk import ArchiveError, Limits, open_archive, walk

# One file; beside it folders, as some packers write them. A BTF packs to a quarter or a fifth.
LIMITS = Limits(entries=16, total=MAX_BYTES + (1 << 20), file=MAX_BYTES)


def unpack(archive: Path) -> tuple[str, bytes]:
    """Give the one BTF in a hub's archive.

    Only the archive is checked, not the BTF: that is btf.check's part.

    Returns:
        The member's file name, which ends in .btf, and its bytes.

    Raises:
        DroidbpfError: damaged or hostile, not exactly one *.btf member, or it cannot be read.
    """
    found: list[tuple[str, bytes]] = []
    try:
        with open_archive(archive, LIMITS) as stream:
            for entry in walk(stream, LIMITS):
                if entry.kind == "folder":
                    continue
                name = entry.path.rpartition("/")[2]
                if found or entry.kind != "file" or not name.endswith(".btf"):
                    shown = printable(entry.path)
                    raise ArchiveError(f"holds something else than one .btf file: {shown}")
                found.append((name, b"".join(entry.chunks())))
        if not found:
            raise ArchiveError("holds no .btf file")
    except ArchiveError as error:
        hint = "a hub's archive holds one file, *.btf"
        raise ArchiveError(f"the archive {archive} {error.message}", hint) from error
    except OSError as error:
        raise DroidbpfError(f"cannot read {archive}: {error.strerror}") from error
    return found[0]


def pack(name: str, data: bytes) -> bytes:
    """Give a .btf.tar.xz with one member: the same bytes for the same name and data.

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
