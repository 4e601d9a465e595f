"""Puts the forward declarations and the strings in an object's BTF in the order of their names.

clang writes one FWD type for each struct that stays incomplete, in the order of the heap addresses
of its own records (llvm/lib/Target/BPF/BTFDebug.h: FixupDerivedTypes, a map keyed by pointer), and
their names as they come. The length of a path is enough to change it, and with it every object and
skeleton. They are the last types, and all of one size: sorting them moves nothing else. The strings
are sorted in place, too.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path

from btfhub import btf, btf_ext, elf
from btfhub.btf import FORMS, FWD, HEADER, INFO, NAME, OWN, THIRD, WORD, Layout

_MOST = 64 << 20  # bytes of a section


def sort_btf(path: Path) -> None:
    """Sort the forward declarations and the strings in the BTF of a BPF object, in place."""
    with path.open("rb") as file:
        opened = elf.read(file)
        types = opened.section(".BTF")
        extension = opened.section(".BTF.ext")
        if types is None:
            return
        old = opened.content(types, btf.MAX_BYTES)
        beside = bytearray(opened.content(extension, _MOST) if extension else b"")
    layout = btf.walk(old)
    new, order, places = _sorted(layout)
    content = bytearray(path.read_bytes())
    content[types.offset : types.offset + types.size] = old[: HEADER.size] + new
    if extension:
        _renumber(beside, order, places)
        content[extension.offset : extension.offset + extension.size] = beside
    path.write_bytes(content)


def _sorted(layout: Layout) -> tuple[bytes, dict[int, int], dict[int, int]]:
    """Return types and strings in their order, {old type: new type}, {old name: new name}."""
    words = array("I", layout.words)
    order = _sort_forwards(layout, words)
    strings, places = _sort_strings(layout.strings)

    def renumber(index: int, by: Mapping[int, int]) -> None:
        words[index] = by.get(words[index], words[index])

    for number in range(1, len(layout.starts)):
        form = FORMS[layout.kind(number)]
        renumber(layout.starts[number] + NAME, places)
        if form.refers:
            renumber(layout.starts[number] + THIRD, order)
        for begin in _behind(layout, number):
            if form.named:
                renumber(begin, places)
            for word in form.types:
                renumber(begin + word, order)
    return struct.pack(f"<{len(words)}I", *words) + strings, order, places


def _sort_forwards(layout: Layout, words: "array[int]") -> dict[int, int]:
    """Sort the FWD types at the end; return {old type: new type} of each."""
    first = len(layout.starts)
    while first > 1 and layout.kind(first - 1) == FWD:
        first -= 1
    forwards = range(first, len(layout.starts))
    ranked = sorted(forwards, key=lambda number: (_name(layout, number), _info(layout, number)))
    for place, number in zip(forwards, ranked, strict=True):
        start, old = layout.starts[place], layout.starts[number]
        words[start : start + OWN] = layout.words[old : old + OWN]
    return dict(zip(ranked, forwards, strict=True))


def _name(layout: Layout, number: int) -> bytes:
    begin = layout.own(number, NAME)
    return layout.strings[begin : layout.strings.index(b"\0", begin)]


def _info(layout: Layout, number: int) -> bytes:
    return layout.own(number, INFO).to_bytes(WORD, "little")


def _behind(layout: Layout, number: int) -> range:
    """Return where each member of a type begins; where its kind has none, what is behind it."""
    info = layout.own(number, INFO)
    form = FORMS[btf.kind_of(info)]
    begin = layout.starts[number] + OWN
    if form.each:
        return range(begin, begin + form.each * btf.members_of(info), form.each)
    return range(begin, begin + min(form.always, 1))


def _sort_strings(strings: bytes) -> tuple[bytes, dict[int, int]]:
    """Return sorted strings, and {old offset: new offset} of each."""
    old = strings.split(b"\0")[:-1]
    new = sorted(old)
    now = dict(zip(new, _offsets(new), strict=True))
    places = {place: now[string] for place, string in zip(_offsets(old), old, strict=True)}
    return b"".join(string + b"\0" for string in new), places


def _offsets(strings: list[bytes]) -> Iterator[int]:
    return accumulate((len(string) + 1 for string in strings[:-1]), initial=0)


def _renumber(data: bytearray, order: Mapping[int, int], places: Mapping[int, int]) -> None:
    """Replace types and names in a .BTF.ext."""
    for part in btf_ext.PARTS:
        for section, records in list(btf_ext.records(data, part)):
            _replace(data, section, places)
            for record in records:
                for place in part.names:
                    _replace(data, record + place, places)
                for place in part.types:
                    _replace(data, record + place, order)


def _replace(data: bytearray, place: int, by: Mapping[int, int]) -> None:
    old = btf_ext.word(data, place)
    data[place : place + WORD] = by.get(old, old).to_bytes(WORD, "little")
