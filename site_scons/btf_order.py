"""Puts the forward declarations in an object's BTF in the order of their names.

clang writes one FWD type for each struct that stays incomplete, in the order of the heap addresses
of its own records (llvm/lib/Target/BPF/BTFDebug.h: FixupDerivedTypes, a map keyed by pointer). The
length of a path is enough to change it, and with it every object and skeleton. They are the last
types, and all of one size: sorting them moves nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
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


def sort_forwards(path: str) -> None:
    """Sort the forward declarations in the .BTF section of a BPF object, in place."""
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
    if all(old == new for old, new in order.items()):
        return
    content[begin : begin + size] = types
    if ".BTF.ext" in sections:
        for offset in _relocations(content, *sections[".BTF.ext"]):
            _renumber(content, offset, order)
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


def _relocations(content: bytearray, begin: int, size: int) -> Iterator[int]:
    """Give the offsets of the type ids in the CO-RE relocations of a .BTF.ext section."""
    header_size, *_, offset, length = struct.unpack_from("<4xIIIIIII", content, begin)
    position = begin + header_size + offset
    end = min(position + length, begin + size)
    record_size = struct.unpack_from("<I", content, position)[0] if length else 0
    position += 4
    while position < end:
        count = struct.unpack_from("<4xI", content, position)[0]
        position += 8
        for _ in range(count):
            yield position + 4
            position += record_size


def _renumber(data: bytearray, offset: int, order: dict[int, int]) -> None:
    old = struct.unpack_from("<I", data, offset)[0]
    struct.pack_into("<I", data, offset, order.get(old, old))
