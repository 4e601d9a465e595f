"""The BTF in a hub's archive, an ELF file or a kernel image."""

import io
import zlib
from pathlib import Path
from typing import IO

from base.errors import DroidbpfError, printable
from btfhub import archive, btf, elf
from btfhub.file_errors import errors_of, file_errors

MAX_BYTES = 160 << 20  # of an unpacked image: theirs have 20 to 60 MB
_MOST_CANDIDATES = 20
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
_ARM64 = slice(56, 60)  # of an Image: Documentation/arm64/booting.rst


def read(path: Path) -> bytes:
    """Return the BTF of a file, unchecked except where it is searched for in an image.

    Args:
        path: a hub's .btf.tar.xz, raw BTF (packed by xz or not), an ELF file with a .BTF section,
            an arm64 Image, or one of the last two packed by gzip.

    Raises:
        DroidbpfError: it is none of these, has no BTF, is damaged, or cannot be read.
    """
    where = printable(str(path))
    if path.is_fifo():
        raise DroidbpfError(f"{where} is a pipe", "write it into a file first")
    with file_errors("read", path), path.open("rb") as file:
        return _read(path, where, file)


def _read(path: Path, where: str, file: IO[bytes]) -> bytes:
    head = file.read(64)
    file.seek(0)
    if head.startswith(_XZ):
        return archive.read(path)
    if head.startswith(_GZIP):
        image = _gunzip(where, file)
        if image.startswith(elf.MAGIC):
            return _in_elf(where, io.BytesIO(image))
        return _in_image(where, image)
    if head.startswith(elf.MAGIC):
        return _in_elf(where, file)
    if head[_ARM64] == b"ARM\x64":
        return _in_image(where, file.read(MAX_BYTES))
    if not head.startswith((archive.RAW, archive.RAW[::-1])):
        raise DroidbpfError(
            f"{where} is neither BTF nor a file that has BTF",
            "give raw BTF (/sys/kernel/btf/vmlinux), a vmlinux, an Image, or a hub's .btf.tar.xz",
        )
    return file.read(btf.MAX_BYTES + 1)


def find(image: bytes) -> bytes:
    """Return the one BTF in an uncompressed kernel image, which has no section table.

    Raises:
        DroidbpfError: there is none, or there are several.
    """
    found = []
    beginning = btf.HEADER.pack(btf.MAGIC, 1, 0, btf.HEADER.size, 0, 0, 0, 0)[:8]
    position, candidates = -1, 0
    while (position := image.find(beginning, position + 1)) >= 0:
        candidates += 1
        if candidates > _MOST_CANDIDATES:
            raise DroidbpfError(f"more than {_MOST_CANDIDATES} BTFs in the kernel image")
        try:
            size = btf.size(image[position : position + btf.HEADER.size])
            data = image[position : position + size]
            btf.check(data)
        except DroidbpfError:
            continue
        found.append(data)
    if len(found) != 1:
        raise DroidbpfError(f"{len(found)} BTFs in the kernel image instead of one")
    return found[0]


def _in_elf(where: str, file: IO[bytes]) -> bytes:
    with errors_of(where):
        found = elf.read(file)
        if section := found.section(".BTF"):
            return found.content(section, btf.MAX_BYTES)
    raise DroidbpfError(
        f"{where} is an ELF file without BTF",
        "./dev btfhub encode makes BTF from the DWARF of a vmlinux",
    )


def _in_image(where: str, image: bytes) -> bytes:
    if image[_ARM64] != b"ARM\x64":
        raise DroidbpfError(f"{where} holds no arm64 Image and no ELF file")
    try:
        return find(image)
    except DroidbpfError as error:
        hint = "was it built with CONFIG_DEBUG_INFO_BTF? Else encode its vmlinux, which has DWARF"
        raise DroidbpfError(f"{where}: {error.message}", hint) from error


def _gunzip(where: str, file: IO[bytes]) -> bytes:
    gzip = zlib.decompressobj(wbits=31)
    try:
        data = gzip.decompress(file.read(MAX_BYTES), MAX_BYTES)
    except zlib.error as error:
        raise DroidbpfError(f"{where} is damaged: {error}") from error
    if not gzip.eof:
        raise DroidbpfError(f"{where} is cut off, or unpacks to more than {MAX_BYTES >> 20} MB")
    return data
