"""Puts the forward declarations and the strings in an object's BTF in the order of their names.

clang writes one FWD type for each struct that stays incomplete, in the order of the heap addresses
of its own records (llvm/lib/Target/BPF/BTFDebug.h: FixupDerivedTypes, a map keyed by pointer), and
their names as they come. The length of a path is enough to change it, and with it every object and
skeleton. They are the last types, and all of one size: sorting them moves nothing else. The strings
are sorted in their place, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from btfhub import btf

FWD = 7
TYPE_SIZE = 12
# Kinds whose size field is a type: PTR TYPEDEF VOLATILE CONST RESTRICT FUNC FUNC_PROTO VAR
# DECL_TAG TYPE_TAG.
REFERRING = {2, 8, 9, 10, 11, 12, 13, 14, 17, 18}
# Kind: (first reference behind the type's own 12 bytes, bytes from one member to the next).
MEMBERS = {4: (4, 12), 5: (4, 12), 13: (4, 8), 15: (0, 12)}
ARRAY = 3


# Kind: bytes from one member to the next, which begins with its name.
NAMED_MEMBERS = {4: 12, 5: 12, 6: 8, 13: 8, 19: 12}
# Place in the header of .BTF.ext of (offset, length) of func_info, line_info, core_relo, and where
# their records hold strings.
RECORDS = ((8, ()), (16, (4, 8)), (24, (8,)))


def sort_btf(path: str) -> None:
    """Sort the forward declarations and the strings in the BTF of a BPF object, in place."""
    from elftools.elf.elffile import ELFFile

    file = Path(path)
    content = bytearray(file.read_bytes())
    with file.open("rb") as opened:
        sections = {
            section.name: (section["sh_offset"], section["sh_size"])
            for section in ELFFile(opened).iter_sections()
            if section.name in (".BTF", ".BTF.ext")
        }
    if ".BTF" not in sections:
        return
    begin, size = sections[".BTF"]
    types = bytearray(content[begin : begin + size])
    order = _sort(types)
    places = _sort_strings(types)
    content[begin : begin + size] = types
    if ".BTF.ext" in sections:
        begin, size = sections[".BTF.ext"]
        extension = content[begin : begin + size]
        for place, strings in RECORDS:
            for offset in _names(extension, place, strings):
                _renumber(extension, offset, places)
        for record in _records(extension, RECORDS[-1][0]):
            _renumber(extension, record + 4, order)
        content[begin : begin + size] = extension
    file.write_bytes(content)


def _sort(data: bytearray) -> dict[int, int]:
    """Sort the FWD types at the end of a BTF; give {old type id: new type id} of each."""
    types = list(btf.types(bytes(data)))
    first = len(types)
    while first and types[first - 1][1] == FWD:
        first -= 1
    forwards = [offset for offset, _, _ in types[first:]]
    records = [bytes(data[offset : offset + TYPE_SIZE]) for offset in forwards]
    names = [btf.name(bytes(data), offset) for offset in forwards]
    ranked = sorted(range(len(forwards)), key=lambda i: (names[i], records[i][4:8]))
    for offset, index in zip(forwards, ranked, strict=True):
        data[offset : offset + TYPE_SIZE] = records[index]
    order = {first + 1 + old: first + 1 + new for new, old in enumerate(ranked)}  # ids from 1 on
    for offset, kind, members in types:
        for reference in _references(offset, kind, members):
            _renumber(data, reference, order)
    return order


def _references(offset: int, kind: int, members: int) -> Iterator[int]:
    """Give the offsets of the type ids in a type."""
    if kind in REFERRING:
        yield offset + 8
    if kind == ARRAY:
        yield from (offset + TYPE_SIZE, offset + TYPE_SIZE + 4)
    if kind in MEMBERS:
        first, step = MEMBERS[kind]
        yield from (offset + TYPE_SIZE + first + step * member for member in range(members))


def _sort_strings(data: bytearray) -> dict[int, int]:
    """Sort the strings of a BTF; give {old offset: new offset} of each."""
    header_size, *_, offset, length = struct.unpack_from("<4xIIIII", data)
    begin = header_size + offset
    old = bytes(data[begin : begin + length]).split(b"\0")[:-1]
    new = sorted(old)
    data[begin : begin + length] = b"".join(string + b"\0" for string in new)
    now = dict(zip(new, _offsets(new), strict=True))
    places = {place: now[string] for place, string in zip(_offsets(old), old, strict=True)}
    for type_offset, kind, members in btf.types(bytes(data)):
        _renumber(data, type_offset, places)
        for member in range(members if kind in NAMED_MEMBERS else 0):
            _renumber(data, type_offset + TYPE_SIZE + NAMED_MEMBERS[kind] * member, places)
    return places


def _offsets(strings: list[bytes]) -> Iterator[int]:
    return accumulate((len(string) + 1 for string in strings[:-1]), initial=0)


def _names(data: bytearray, place: int, strings: tuple[int, ...]) -> Iterator[int]:
    """Give the offsets of all that refers to strings in a part of a .BTF.ext section."""
    for section, records in _sections(data, place):
        yield section
        for record in records:
            yield from (record + string for string in strings)


def _records(data: bytearray, place: int) -> Iterator[int]:
    """Give the offsets of the records in a part of a .BTF.ext section."""
    for _, records in _sections(data, place):
        yield from records


def _sections(data: bytearray, place: int) -> Iterator[tuple[int, range]]:
    """Give of each section's records the offset of the section's name, and those of the records."""
    header_size = struct.unpack_from("<4xI", data)[0]
    if place + 8 > header_size:
        return  # a compiler older than this part
    offset, length = struct.unpack_from("<II", data, place)
    position = header_size + offset
    end = position + length
    size = struct.unpack_from("<I", data, position)[0] if length else 0
    position += 4
    while position < end:
        count = struct.unpack_from("<4xI", data, position)[0]
        records = range(position + 8, position + 8 + size * count, size)
        yield position, records
        position = records.stop


def _renumber(data: bytearray, offset: int, order: dict[int, int]) -> None:
    old = struct.unpack_from("<I", data, offset)[0]
    struct.pack_into("<I", data, offset, order.get(old, old))
