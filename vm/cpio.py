"""A writer for newc cpio archives, the format of an initramfs.

Source: Documentation/driver-api/early-userspace/buffer-format.rst in the Linux kernel.
The same entries always make the same bytes: no clock, no owner, no inode number of the host.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One member of the archive.

    Args:
        path: its path in the guest, without the leading slash.
        mode: file type and permissions as in stat(2).
        data: a file's bytes or a symbolic link's target; empty for the rest.
        device: major and minor of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str, mode: int = 0o755) -> Entry:
    """Return a directory entry."""
    return Entry(path, stat.S_IFDIR | mode)


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """Return a regular file entry."""
    return Entry(path, stat.S_IFREG | mode, data)


def symlink(path: str, target: str) -> Entry:
    """Return a symbolic link entry."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """Return a character device entry."""
    return Entry(path, stat.S_IFCHR | mode, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """Return the archive of the entries, in their order, with the trailer.

    The kernel accepts several archives one after the other, so results may be joined.
    """
    parts: list[bytes] = []
    for inode, entry in enumerate(entries, start=1):
        links = 2 if stat.S_ISDIR(entry.mode) else 1
        parts += _member(inode, entry, links)
    parts += _member(0, Entry("TRAILER!!!", 0), 1)
    return b"".join(parts)


def _member(inode: int, entry: Entry, links: int) -> list[bytes]:
    name = os.fsencode(entry.path) + b"\0"
    major, minor = entry.device
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, major, minor, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return [header, name, _padding(len(header) + len(name)), entry.data, _padding(len(entry.data))]


def _padding(size: int) -> bytes:
    return b"\0" * (-size % 4)
