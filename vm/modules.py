"""Kernel modules: their dependencies, from .modinfo, and the order in which to load them."""

import lzma
import re
from collections.abc import Mapping, Sequence

from base.errors import DroidbpfError, printable


def name(path: str) -> str:
    """Return a module's name from its path: "virtio_rng" for "…/virtio-rng.ko.xz"."""
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def unpack(path: str, data: bytes) -> bytes:
    """Return the ELF bytes of a verified package's module, plain or compressed by xz.

    Raises:
        DroidbpfError: it is compressed in another way.
    """
    data = lzma.decompress(data) if path.endswith(".xz") else data
    if not data.startswith(b"\x7fELF"):
        raise DroidbpfError(f"module {printable(path)} is not an ELF file")
    return data


def load_order(modules: Mapping[str, bytes], needed: Sequence[str]) -> list[str]:
    """Return the needed modules and their dependencies, each after those that it depends on.

    Args:
        modules: name → ELF bytes.
        needed: names; one that is not in `modules` is left out, as a built-in driver has no file.

    Raises:
        DroidbpfError: a module depends on one that is missing.
    """
    ordered: list[str] = []

    def add(module: str) -> None:
        for dependency in depends(modules[module]):
            if dependency not in modules:
                raise DroidbpfError(f"module {module} depends on {dependency}, which is missing")
            add(dependency)
        if module not in ordered:
            ordered.append(module)

    for module in needed:
        if module in modules:
            add(module)
    return ordered


def depends(data: bytes) -> tuple[str, ...]:
    """Return the names of the modules that a module depends on (depends= in its .modinfo)."""
    found = re.search(rb"\0depends=([A-Za-z0-9_,-]*)\0", data)
    return tuple(found.group(1).decode().replace("-", "_").split(",")) if found and found[1] else ()
