"""Makes what Android keeps a phone's time zone in: property areas and the bundle of all zones.

Sources: bionic's libc/system_properties/prop_area.cpp and libc/tzcode/bionic.cpp; RFC 8536.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "persist.sys.timezone"
CONTEXT = "u:object_r:timezone_prop:s0"
# Some of what is near it on a phone: siblings to all sides, on each level.
PROPERTIES = {
    "ro.build.type": "user",
    "persist.sys.locale": "en-US",
    "sys.boot_completed": "1",
    "persist.vendor.radio": "1",
    "persist.sys.usb.config": "adb",
    "log.tag": "I",
    "persist.sys.timezone_confidence": "100",
    "persist.radio.ims": "0",
    "persist.sys.zygote32": "0",
    "persist.sys.timeouts": "5",
    "debug.persist.sys.timezone": "Europe/Rome",
    "persist.sys.time": "0",
    "persistent.sys.timezone": "Europe/Oslo",
}
Times = Sequence[tuple[int, int]]


class PropertyArea:
    """A file of properties, as init writes it: a trie whose siblings are binary trees.

    Args:
        size: bytes of the file; 128 KiB on phones.
        backup: the place that newer versions keep for a value that is being changed.
    """

    def __init__(self, size: int, *, backup: bool) -> None:
        self.data = bytearray(size - 128)
        self.used = 20 + (92 if backup else 0)

    def add(self, name: str, value: str) -> None:
        """Add a property; order decides about the shape of the trees."""
        node = 0
        for part in name.split("."):
            node = self._child(node, part.encode())
        info = struct.pack("<I92s", len(value) << 24, value.encode()) + name.encode() + b"\0"
        self._link(node + 4, self._put(info))

    def _child(self, node: int, name: bytes) -> int:
        link = node + 16  # the first child, then its siblings to the left and to the right
        while at := self._word(link):
            other = bytes(self.data[at + 20 : at + 20 + self._word(at)])
            if other == name:
                return at
            link = at + (8 if (len(name), name) < (len(other), other) else 12)
        return self._link(link, self._put(struct.pack("<5I", len(name), 0, 0, 0, 0) + name + b"\0"))

    def _put(self, piece: bytes) -> int:
        at, self.used = self.used, self.used + (len(piece) + 3 & ~3)
        if self.used > len(self.data):
            raise ValueError("the area is full")
        self.data[at : at + len(piece)] = piece
        return at

    def _word(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "little")

    def _link(self, at: int, to: int) -> int:
        struct.pack_into("<I", self.data, at, to)
        return to

    def __bytes__(self) -> bytes:
        head = struct.pack("<4I", self.used, 0, 0x504F5250, 0xFC6ED0AB)
        return head + bytes(112) + bytes(self.data)


def properties(
    zone: str,
    others: Mapping[str, str] = PROPERTIES,
    *,
    size: int = 128 << 10,
    backup: bool = True,
) -> bytes:
    """Return a property area with a zone ("" for none) among other properties."""
    area = PropertyArea(size, backup=backup)
    for number, (name, value) in enumerate(others.items()):
        if zone and number == len(others) // 2:
            area.add(NAME, zone)
        area.add(name, value)
    return bytes(area)


def tzif(rule: str, times: Times = (), *, version: bytes = b"2") -> bytes:
    """Return a zone: its offset in seconds from each time on; after the last one, the rule."""

    def table(width: str, times: Times) -> bytes:
        types = sorted({0, *(utoff for _, utoff in times)})
        head = b"TZif" + version + bytes(15)
        head += struct.pack(">6I", 0, 0, 0, len(times), len(types), 4)
        body = struct.pack(f">{len(times)}{width}", *(time for time, _ in times))
        body += bytes(types.index(utoff) for _, utoff in times)
        body += b"".join(struct.pack(">iBB", utoff, 0, 0) for utoff in types)
        return head + body + b"LMT\0"

    short = [time for time in times if -(1 << 31) <= time[0] < 1 << 31]
    return table("i", short) + table("q", times) + f"\n{rule}\n".encode()


def bundle(zones: Mapping[str, bytes]) -> bytes:
    """Return the file tzdata with these zones."""
    index, data = b"", b""
    for name, zone in sorted(zones.items()):
        index += struct.pack(">40sIII", name.encode(), len(data), len(zone), 0)
        data += zone
    end = 24 + len(index)
    return b"tzdata2025b\0" + struct.pack(">III", 24, end, end + len(data)) + index + data


# Rules of the time zone database's edition 2025b.
RULES = {
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "America/Nuuk": "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "Asia/Kathmandu": "<+0545>-5:45",
    "Asia/Shanghai": "CST-8",
    "Asia/Tehran": "<+0330>-3:30",
    "Etc/UTC": "UTC0",
    "Europe/Dublin": "IST-1GMT0,M10.5.0,M3.5.0/1",
    "GMT": "GMT0",
}


def rules() -> dict[str, bytes]:
    """Return small zones of RULES, with a table of one time."""
    return {name: tzif(rule, [(0, 3600)]) for name, rule in RULES.items()}


def write(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
