"""Kernel modules: their dependencies, from .modinfo, and the order in which to load them."""

import lzma
import re
from collections.abc import Mapping, Sequence

from base.errors import DroidbpfError, printable

MAX_BYTES = 64 << 20


def name(path: str) -> str:
    """Return a module's name from its path: "virtio_rng" for "…/virtio-rng.ko.xz"."""
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def unpack(path: str, data: bytes) -> bytes:
    """Return a module's ELF bytes, from a plain or an xz-compressed file.

    Raises:
        DroidbpfError: it is broken, compressed in another way, or over 64 MiB.
    """
    shown = printable(path)
    if path.endswith(".xz"):
        xz = lzma.LZMADecompressor(memlimit=MAX_BYTES * 2)
        try:
            data = xz.decompress(data, MAX_BYTES)
        except lzma.LZMAError as error:
            raise DroidbpfError(f"module {shown}: broken xz: {error}") from error
        if not xz.eof:
            raise DroidbpfError(f"module {shown} is cut off, or over {MAX_BYTES >> 20} MiB")
    if not data.startswith(b"\x7fELF"):
        raise DroidbpfError(f"module {shown} is not an ELF file")
    return data


def load_order(modules: Mapping[str, bytes], needed: Sequence[str]) -> list[str]:
    """Return the needed modules and their dependencies, each after those that it depends on.

    Args:
        modules: name → ELF bytes.
        needed: names; one that is not in `modules` is left out, as a built-in driver has no file.

    Raises:
        DroidbpfError: a module depends on one that is missing, or on itself.
    """
    ordered: list[str] = []

    def add(module: str, needed_by: tuple[str, ...]) -> None:
        if module in ordered:
            return
        if module in needed_by:
            chain = printable(", ".join([*needed_by, module]))
            raise DroidbpfError(f"modules depend on each other: {chain}")
        if module not in modules:
            raise DroidbpfError(
                f"module {printable(needed_by[-1])} depends on {module}, which is missing"
            )
        for dependency in depends(modules[module]):
            add(dependency, (*needed_by, module))
        ordered.append(module)

    for module in needed:
        if module in modules:
            add(module, ())
    return ordered


def depends(data: bytes) -> tuple[str, ...]:
    """Return the names of the modules that a module depends on (depends= in its .modinfo)."""
    found = re.search(rb"\0depends=([A-Za-z0-9_,-]*)\0", data)
    return tuple(found.group(1).decode().replace("-", "_").split(",")) if found and found[1] else ()
