"""Finds the BTF in a kernel image, which has no section table."""

from btfhub import btf
from fetch.errors import DroidbpfError

_MOST_CANDIDATES = 20


def find(image: bytes) -> bytes:
    """Give the one BTF in an uncompressed kernel image.

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
