"""Reads .BTF.ext of a BPF object: functions, lines and relocations of each section of code.

The format is that of the kernel's Documentation/bpf/btf.rst and of struct bpf_core_relo in its
include/uapi/linux/bpf.h.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from base.errors import DroidbpfError
from btfhub.btf import MAGIC

_HEADER = struct.Struct("<HBBI")  # magic, version, flags, size of the header
_EXTENT = struct.Struct("<II")  # of a part: offset behind the header, size
_SECTION = struct.Struct("<II")  # before the records: name of the section, number of records
_RELOCATION = struct.Struct("<IIII")


class Part(NamedTuple):
    """One of the three parts.

    Attributes:
        extent: where the header has its extent.
        names: where a record has offsets of strings.
        types: where a record has types.
        record: the least size of a record.
    """

    extent: int
    names: tuple[int, ...]
    types: tuple[int, ...]
    record: int


FUNCTIONS = Part(8, (), (4,), 8)
LINES = Part(16, (4, 8), (), 16)
RELOCATIONS = Part(24, (8,), (4,), _RELOCATION.size)
PARTS = (FUNCTIONS, LINES, RELOCATIONS)


class Relocation(NamedTuple):
    """A CO-RE relocation.

    Attributes:
        section: the offset of its section's name.
        number: its place among those of the section, from 0 on.
        offset: of the instruction in the section, in bytes.
        type: the root type.
        access: the offset of the access string.
        kind: enum bpf_core_relo_kind.
    """

    section: int
    number: int
    offset: int
    type: int
    access: int
    kind: int


def word(data: bytes | bytearray, place: int) -> int:
    """Return the four bytes at a place as a number."""
    return int.from_bytes(data[place : place + 4], "little")


def records(data: bytes | bytearray, part: Part) -> Iterator[tuple[int, range]]:
    """Yield the records of a part by section; none where the compiler is older than the part.

    Of each section: where the data has the offset of its name, and where each record begins.

    Raises:
        DroidbpfError: the section is cut off or malformed.
    """
    if len(data) < _HEADER.size:
        raise DroidbpfError(".BTF.ext is cut off")
    magic, version, _, header = _HEADER.unpack_from(data)
    if (magic, version) != (MAGIC, 1):
        raise DroidbpfError(f".BTF.ext: magic {magic:#x}, version {version}")
    if header < part.extent + _EXTENT.size:
        return
    begin, length = _EXTENT.unpack(_within(data, part.extent, _EXTENT.size))
    position, end = header + begin, header + begin + length
    if end > len(data):
        raise DroidbpfError(".BTF.ext is cut off")
    if not length:
        return
    size = word(_within(data, position, 4), 0)
    if size < part.record:
        raise DroidbpfError(f".BTF.ext: records of {size} bytes")
    position += 4
    while position < end:
        section = position
        _, number = _SECTION.unpack(_within(data, position, _SECTION.size))
        position += _SECTION.size
        if not number or number * size > end - position:
            raise DroidbpfError(".BTF.ext is cut off")
        yield section, range(position, position + number * size, size)
        position += number * size


def relocations(data: bytes) -> Iterator[Relocation]:
    """Yield the CO-RE relocations, in the order in which libbpf numbers them.

    Raises:
        DroidbpfError: as records().
    """
    for section, places in records(data, RELOCATIONS):
        title = word(data, section)
        for number, place in enumerate(places):
            yield Relocation(title, number, *_RELOCATION.unpack_from(data, place))


def _within(data: bytes | bytearray, place: int, size: int) -> bytes:
    if place + size > len(data):
        raise DroidbpfError(".BTF.ext is cut off")
    return bytes(data[place : place + size])
