"""Reads arm64 kernel Images: verifies the format, finds the release."""

import gzip
import re
import zlib
from pathlib import Path

from base.errors import DroidbpfError, printable

MAX_BYTES = 256 << 20
# Formats that are easily taken for an Image: place in bytes, magic, description.
OTHERS = (
    (4, b"zimg", "an EFI zboot image"),
    (0, b"\x7fELF", "an ELF file, such as vmlinux"),
    (0x202, b"HdrS", "an x86 bzImage"),
    (0, b"ANDROID!", "an Android boot image"),
)
HINT = "use the file arch/arm64/boot/Image or Image.gz of a kernel build"


def read(path: Path) -> bytes:
    """Return the Image's bytes, decompressed if it is compressed by gzip.

    Raises:
        DroidbpfError: it cannot be read, is not an arm64 Image, or is over 256 MiB.
    """
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            is_gzip = file.peek(2).startswith(b"\x1f\x8b")
            data = (gzip.GzipFile(fileobj=file) if is_gzip else file).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DroidbpfError(f"cannot read {shown}: {reason}", HINT) from error
    if len(data) > MAX_BYTES:
        raise DroidbpfError(f"{shown} is over {MAX_BYTES >> 20} MiB", HINT)
    check(data, path)
    return data


def check(data: bytes, path: Path) -> None:
    """Verify that the bytes are an arm64 Image.

    Source: Documentation/arch/arm64/booting.rst in the kernel ("ARM\\x64" at byte 56).

    Raises:
        DroidbpfError: they are not.
    """
    if data[56:60] != b"ARM\x64":
        found = [what for place, magic, what in OTHERS if data.startswith(magic, place)]
        guess = f": it is {found[0]}" if found else ""
        raise DroidbpfError(f"{printable(str(path))} is not an arm64 kernel Image{guess}", HINT)


def release(data: bytes) -> str:
    """Return the `uname -r` in an Image's banner, or "" where there is none."""
    found = re.search(rb"Linux version (\d[\x21-\x7e]*) ", data)
    return found.group(1).decode() if found else ""
