"""Reads raw BTF that may be hostile (Documentation/bpf/btf.rst): types, structs by name."""

import struct as packing
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from base.errors import DroidbpfError

MAGIC = 0xEB9F
# Bounds on what a reader must take: kernels' BTFs have 2 to 7 MB and 50,000 to 150,000 types.
MAX_BYTES = 24 << 20
MAX_TYPES = 250_000
MAX_NAME = 4096  # bytes, with the NUL
MAX_CHAIN = 64  # of pointers, qualifiers, typedefs and arrays; the kernel takes 32
HEADER = packing.Struct("<HBBIIIII")
WORD = 4
OWN = 3  # words of a type: name, info, size or type
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT = range(1, 12)
FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(12, 20)
# Kind → what follows a type's own words: words in any case, and words for each of its members.
EXTRA = dict.fromkeys(range(INT, ENUM64 + 1), (0, 0)) | {
    INT: (1, 0),
    ARRAY: (3, 0),
    STRUCT: (0, 3),
    UNION: (0, 3),
    ENUM: (0, 2),
    FUNC_PROTO: (0, 2),
    VAR: (1, 0),
    DATASEC: (0, 3),
    DECL_TAG: (1, 0),
    ENUM64: (0, 3),
}
MODIFIERS = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
# Of info: bit 31 is a flag, 24 to 28 are the kind, 0 to 15 the number of members.
_RESERVED = 0x60FF_0000
_WITH_FLAG = {STRUCT, UNION, ENUM, FWD, DECL_TAG, TYPE_TAG, ENUM64}
_KIND = bytes(byte & 0x1F for byte in range(256))
_MAX_MEMBERS = 100_000


class Struct(NamedTuple):
    """A struct or union: its size in bytes and its members' offsets in bits.

    The members of structs and unions without a name inside it are its own, too, as in C.
    """

    size: int
    members: dict[str, int]


@dataclass(frozen=True)
class Layout:
    """Where in a BTF its types are. Types are numbered from 1 on; 0 is void.

    Attributes:
        words: the section of types.
        starts: type → index of its first word; that of 0 means nothing.
        groups: info word → the types that have it, in order.
        strings: the section of names.
    """

    words: "array[int]"
    starts: list[int]
    groups: dict[int, list[int]]
    strings: bytes

    def column(self, word: int) -> "array[int]":
        """Give one of each type's own words: 0 the name, 1 info, 2 the size or type; 0 for void."""
        words = self.words[word:]
        found = array("I", [words[start] for start in self.starts])
        found[0] = 0
        return found

    def kinds(self) -> bytes:
        """Give the kind of each type, 0 for void."""
        infos = self.column(1)
        if sys.byteorder == "big":
            infos.byteswap()
        return infos.tobytes()[WORD - 1 :: WORD].translate(_KIND)

    def of_kind(self, *kinds: int) -> list[int]:
        """Give the types of these kinds, those of the same info together."""
        groups = [group for info, group in self.groups.items() if info >> 24 & 0x1F in kinds]
        return list(chain.from_iterable(groups))

    def composite(self, number: int) -> int:
        """Give the struct or union that a type is but for qualifiers, 0 if it is none."""
        for _ in range(MAX_CHAIN):
            if not 0 < number < len(self.starts):
                break
            start = self.starts[number]
            kind = self.words[start + 1] >> 24 & 0x1F
            if kind in (STRUCT, UNION):
                return number
            if kind not in MODIFIERS:
                break
            number = self.words[start + 2]
        return 0

    def members(self, number: int) -> "array[int]":
        """Give what follows a type's own words, all in one."""
        start = self.starts[number]
        info = self.words[start + 1]
        always, each = EXTRA[info >> 24 & 0x1F]
        return self.words[start + OWN : start + OWN + always + each * (info & 0xFFFF)]

    def name(self, number: int) -> str:
        """Give a type's name, "" for none; bytes that are not UTF-8 are shown as in Python."""
        return self.text(self.words[self.starts[number]] if number else 0)

    def called(self, number: int) -> str:
        """Give what a message calls a type: its number and its name."""
        name = ascii(self.name(number)[:60])[1:-1]  # without what a terminal would obey
        return f"type {number} ({name})" if name else f"type {number}"

    def text(self, offset: int) -> str:
        """Give the string at an offset, "" for one outside."""
        text = self.strings[offset : offset + MAX_NAME].partition(b"\0")[0]
        return text.decode(errors="backslashreplace")


def check(data: bytes) -> int:
    """Give the number of types of a BTF that is sound in itself, to its last byte (soundness.py).

    Raises:
        DroidbpfError: what is wrong with it, and where.
    """
    from btfhub import soundness

    layout = walk(data)
    soundness.check(layout)
    return len(layout.starts) - 1


def size(data: bytes) -> int:
    """Give the size in bytes that a BTF's header tells: types first, strings right behind them.

    Args:
        data: at least the header.

    Raises:
        DroidbpfError: it is no header of a BTF, or of one that is too large.
    """
    if len(data) < HEADER.size:
        raise DroidbpfError("BTF: shorter than its header")
    magic, version, flags, header, type_off, type_len, str_off, str_len = HEADER.unpack_from(data)
    if magic == MAGIC >> 8 | (MAGIC & 0xFF) << 8:
        raise DroidbpfError(
            "BTF: it is of a big-endian kernel",
            "arm64 and x86_64 kernels are little-endian: take the BTF of the right kernel",
        )
    if magic != MAGIC:
        raise DroidbpfError(f"BTF: it begins with {magic:#06x}, not with the magic {MAGIC:#x}")
    if (version, flags, header) != (1, 0, HEADER.size):
        raise DroidbpfError(f"BTF: version {version}, flags {flags:#x}, header of {header} bytes")
    if type_off != 0 or type_len % WORD or str_off != type_len or not str_len:
        raise DroidbpfError("BTF: the sections of types and strings are not one after the other")
    total = int(HEADER.size + type_len + str_len)
    if total > MAX_BYTES:
        raise DroidbpfError(f"BTF: {total} bytes, more than {MAX_BYTES >> 20} MiB")
    return total


@lru_cache(maxsize=2)  # a kernel's, and an object's
def walk(data: bytes) -> Layout:
    """Find the types of a BTF, unchanging; what they say of each other is not looked at.

    Raises:
        DroidbpfError: the header is wrong, a type is cut off or of unknown kind, the strings do not
            begin and end with a NUL.
    """
    if (told := size(data)) != len(data):
        raise DroidbpfError(f"BTF: its header speaks of {told} bytes, there are {len(data)}")
    type_len = HEADER.unpack_from(data)[5]
    strings = data[HEADER.size + type_len :]
    if strings[0] or strings[-1]:
        raise DroidbpfError("BTF: the strings do not begin and end with a NUL")
    words = array("I", data[HEADER.size : HEADER.size + type_len])
    if sys.byteorder == "big":
        words.byteswap()
    groups: dict[int, list[int]] = {}
    known: dict[int, tuple[int, Callable[[int], None]]] = {}
    starts = [0]
    note = starts.append
    position, end = 0, len(words)
    for number in range(1, MAX_TYPES + 2):
        if position >= end:
            break
        note(position)
        try:
            length, add = known[words[position + 1]]
        except KeyError:
            info = words[position + 1]
            group = groups[info] = []
            known[info] = length, add = _length(info, number), group.append
        except IndexError:
            position = end + 1
            break
        add(number)
        position += length
    else:
        raise DroidbpfError(f"BTF: more than {MAX_TYPES} types")
    if position != end:
        raise DroidbpfError(f"BTF: type {len(starts) - 1} is cut off")
    return Layout(words, starts, groups, strings)


def _length(info: int, number: int) -> int:
    """Give the words that a type with this info takes."""
    kind, members = info >> 24 & 0x1F, info & 0xFFFF
    if kind not in EXTRA:
        raise DroidbpfError(f"BTF: type {number} is of unknown kind {kind}")
    if info & _RESERVED or (info >> 31 and kind not in _WITH_FLAG):
        raise DroidbpfError(f"BTF: type {number} has unknown flags: {info:#010x}")
    always, each = EXTRA[kind]
    if members and not each and kind != FUNC:
        raise DroidbpfError(f"BTF: type {number}, of kind {kind}, has members")
    return OWN + always + members * each


def types(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give offset in bytes, kind and number of members of each type.

    Raises:
        DroidbpfError: as walk(), or a name is outside the strings.
    """
    layout = walk(data)
    for number, start in enumerate(layout.starts[1:], 1):
        info = layout.words[start + 1]
        if layout.words[start] >= len(layout.strings):
            raise DroidbpfError(f"BTF: type {number} has its name outside the strings")
        yield HEADER.size + WORD * start, info >> 24 & 0x1F, info & 0xFFFF


def name(data: bytes, offset: int) -> bytes:
    """Give the name of the type at an offset that types() gave."""
    *_, str_off, _ = HEADER.unpack_from(data)
    begin = HEADER.size + str_off + packing.unpack_from("<I", data, offset)[0]
    return data[begin : data.index(b"\0", begin)]


def struct(data: bytes, name: str) -> Struct | None:
    """Give a struct or union by its name, None if there is none; of several, the first.

    Raises:
        DroidbpfError: as structs().
    """
    return structs(data, [name]).get(name)


def structs(data: bytes, names: Iterable[str]) -> dict[str, Struct]:
    """Give structs and unions by name; without those that are not there.

    Args:
        data: a BTF that passed check().

    Raises:
        DroidbpfError: as walk(), or a struct has more members than any real one.
    """
    layout = walk(data)
    wanted = {name.encode(): name for name in names}
    longest = max(map(len, wanted), default=0)
    found: dict[str, int] = {}
    for number in sorted(layout.of_kind(STRUCT, UNION)):
        begin = layout.words[layout.starts[number]]
        end = layout.strings.find(b"\0", begin, begin + longest + 1)
        name = wanted.get(layout.strings[begin : max(end, begin)])
        if name:
            found.setdefault(name, number)
    return {name: _struct(layout, found[name]) for name in wanted.values() if name in found}


def _struct(layout: Layout, number: int) -> Struct:
    """Collect the members of a struct or union, and behind them those of nameless ones in it."""
    members: dict[str, int] = {}
    left = [(0, number)]
    seen = 0
    while left:
        base, inner = left.pop()
        info = layout.words[layout.starts[inner] + 1]
        own = layout.members(inner)
        seen += len(own) + 1
        if seen > _MAX_MEMBERS:
            raise DroidbpfError(f"BTF: {layout.called(number)} has too many members")
        for at in range(0, len(own), 3):
            offset = base + (own[at + 2] & 0xFF_FFFF if info >> 31 else own[at + 2])
            name = layout.text(own[at])
            if name:
                members.setdefault(name, offset)
            elif composite := layout.composite(own[at + 1]):
                left.append((offset, composite))
    return Struct(layout.words[layout.starts[number] + 2], members)
