"""Extracts the BTF from a kernel image as packages carry it: an arm64 Image, an x86 bzImage."""

import io
import lzma
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from typing import Any

from base.errors import DroidbpfError, printable_lines
from btfhub import btf, elf, images
from btfhub.file_errors import errors_of

MAX_BYTES = 1 << 30
# The first bytes of a bzImage's payload (the kernel's lib/decompress.c), and its decompressor.
_DECOMPRESSORS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
}
PROGRAMS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def from_arm64_image(image: bytes) -> bytes:
    """Return the BTF in an uncompressed arm64 Image, which has no section table.

    Raises:
        DroidbpfError: it is not an Image or has no BTF.
    """
    if image[56:60] != b"ARM\x64":
        raise DroidbpfError("the package's kernel is not an uncompressed arm64 Image")
    return images.find(image)


def from_bzimage(image: bytes) -> bytes:
    """Return the BTF in an x86 bzImage, whose payload is a compressed ELF file.

    Raises:
        DroidbpfError: it is not a bzImage or has no BTF, or the program to unpack it is missing.
    """
    payload = io.BytesIO(unpack(_payload(image)))
    with errors_of("the bzImage's payload"):
        vmlinux = elf.read(payload)
        section = vmlinux.section(".BTF")
        if section is None:
            raise DroidbpfError("it has no .BTF section")
        data = vmlinux.content(section, btf.MAX_BYTES)
    btf.check(data)
    return data


def _payload(image: bytes) -> bytes:
    """Return the compressed kernel (Documentation/arch/x86/boot.rst: payload_offset, _length)."""
    if len(image) < 0x250 or image[0x202:0x206] != b"HdrS":
        raise DroidbpfError("the package's kernel is not an x86 bzImage")
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    payload = image[start : start + length]
    if len(payload) != length:
        raise DroidbpfError("the bzImage is cut off")
    return payload


def unpack(payload: bytes) -> bytes:
    """Decompress a payload. Except with gzip, its size is in four more bytes at its end.

    Raises:
        DroidbpfError: it is broken, over 1 GiB, or compressed in an unknown way, or the program
            to decompress it is missing.
    """
    for magic, make in _DECOMPRESSORS.items():
        if payload.startswith(magic):
            decompressor = make()
            try:
                data: bytes = decompressor.decompress(payload, MAX_BYTES)
            except (zlib.error, lzma.LZMAError) as error:
                raise DroidbpfError(f"the bzImage's payload is broken: {error}") from error
            if not decompressor.eof:
                raise DroidbpfError("the bzImage's payload is broken: it is cut off")
            return data
    program = PROGRAMS.get(payload[:4])
    if program is None:
        raise DroidbpfError(f"unknown compression of the bzImage's payload: {payload[:6].hex(' ')}")
    if shutil.which(program) is None:
        raise DroidbpfError(f"{program} is not installed", f"install it: apt-get install {program}")
    if struct.unpack_from("<I", payload, len(payload) - 4)[0] > MAX_BYTES:
        raise DroidbpfError("the bzImage's payload is over 1 GiB")
    done = subprocess.run([program, "-dc"], input=payload[:-4], capture_output=True)
    if done.returncode:
        errors = printable_lines(done.stderr.decode(errors="replace").strip())
        raise DroidbpfError(f"the bzImage's payload is broken: {errors}")
    return done.stdout
