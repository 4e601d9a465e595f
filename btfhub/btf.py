"""Raw BTF that may be hostile (the kernel's Documentation/bpf/btf.rst): types by their numbers."""

import struct as packing
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from base.errors import DroidbpfError, printable

MAGIC = 0xEB9F
# Bounds on what a reader must take: kernels' BTFs have 2 to 7 MB and 50,000 to 150,000 types.
MAX_BYTES = 24 << 20
MAX_TYPES = 250_000
MAX_NAME = 4096  # bytes, with the NUL
MAX_CHAIN = 64  # of pointers, qualifiers, typedefs and arrays; the kernel takes 32
HEADER = packing.Struct("<HBBIIIII")
WORD = 4
NAME, INFO, THIRD = range(3)  # a type's own words; the third is a size or a type
OWN = 3
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT = range(1, 12)
FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(12, 20)


class Form(NamedTuple):
    """What a kind of type consists of, beyond its name.

    Attributes:
        refers: the third word is a type.
        always: words behind its own in any case.
        each: words behind these for each member.
        types: which of the words behind its own, or of each member, are types.
        named: each member begins with its name.
    """

    refers: bool = False
    always: int = 0
    each: int = 0
    types: tuple[int, ...] = ()
    named: bool = False


FORMS = {
    INT: Form(always=1),
    PTR: Form(refers=True),
    ARRAY: Form(always=3, types=(0, 1)),
    STRUCT: Form(each=3, types=(1,), named=True),
    UNION: Form(each=3, types=(1,), named=True),
    ENUM: Form(each=2, named=True),
    FWD: Form(),
    TYPEDEF: Form(refers=True),
    VOLATILE: Form(refers=True),
    CONST: Form(refers=True),
    RESTRICT: Form(refers=True),
    FUNC: Form(refers=True),
    FUNC_PROTO: Form(refers=True, each=2, types=(1,), named=True),
    VAR: Form(refers=True, always=1),
    DATASEC: Form(each=3, types=(0,)),
    FLOAT: Form(),
    DECL_TAG: Form(refers=True, always=1),
    TYPE_TAG: Form(refers=True),
    ENUM64: Form(each=3, named=True),
}
MODIFIERS = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
# Of info: bit 31 is a flag, 24 to 28 are the kind, 0 to 15 the number of members.
_RESERVED = 0x60FF_0000
_WITH_FLAG = {STRUCT, UNION, ENUM, FWD, DECL_TAG, TYPE_TAG, ENUM64}
_KIND = bytes(byte & 0x1F for byte in range(256))


def kind_of(info: int) -> int:
    """Return the kind that an info word has."""
    return info >> 24 & 0x1F


def members_of(info: int) -> int:
    """Return the number of members that an info word has."""
    return info & 0xFFFF


def flag_of(info: int) -> int:
    """Return the flag that an info word has."""
    return info >> 31


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
        """Return one of each type's own words (NAME, INFO, THIRD); 0 for void."""
        words = self.words[word:]
        found = array("I", [words[start] for start in self.starts])
        found[0] = 0
        return found

    def kinds(self) -> bytes:
        """Return the kind of each type, 0 for void."""
        infos = self.column(INFO)
        if sys.byteorder == "big":
            infos.byteswap()
        return infos.tobytes()[WORD - 1 :: WORD].translate(_KIND)

    def of_kind(self, *kinds: int) -> list[int]:
        """Return the types of these kinds, those of the same info together."""
        groups = [group for info, group in self.groups.items() if kind_of(info) in kinds]
        return list(chain.from_iterable(groups))

    def kind(self, number: int) -> int:
        """Return the kind of a type, 0 for void."""
        return kind_of(self.own(number, INFO))

    def own(self, number: int, word: int) -> int:
        """Return one of a type's own words, 0 for void."""
        return self.words[self.starts[number] + word] if number else 0

    def behind(self, number: int) -> "array[int]":
        """Return the words behind a type's own, those of all its members in one."""
        start = self.starts[number] + OWN
        info = self.own(number, INFO)
        form = FORMS[kind_of(info)]
        return self.words[start : start + form.always + form.each * members_of(info)]

    def resolved(self, number: int) -> int:
        """Return the type that a type is without typedefs and qualifiers.

        Raises:
            DroidbpfError: there is no such type, or it is a cycle.
        """
        target = number
        for _ in range(MAX_CHAIN):
            if not 0 <= target < len(self.starts):
                raise DroidbpfError(f"BTF: there is no type {target}")
            if self.kind(target) not in MODIFIERS:
                return target
            target = self.own(target, THIRD)
        raise DroidbpfError(f"BTF: type {number} refers to itself")

    def name(self, number: int) -> str:
        """Return a type's name, "" for none; bytes that are not UTF-8 are shown as in Python."""
        return self.text(self.own(number, NAME))

    def shown(self, number: int) -> str:
        """Return a type as a message names it: by its number and its name."""
        name = printable(self.name(number)[:60])
        return f"type {number} ({name})" if name else f"type {number}"

    def text(self, offset: int) -> str:
        """Return the string at an offset, "" for one outside."""
        text = self.strings[offset : offset + MAX_NAME].partition(b"\0")[0]
        return text.decode(errors="backslashreplace")


def check(data: bytes) -> int:
    """Check that a BTF is sound in itself, to its last byte (soundness.py); return its types.

    Raises:
        DroidbpfError: what is wrong with it, and where.
    """
    from btfhub import soundness

    layout = walk(data)
    soundness.check(layout)
    return len(layout.starts) - 1


def size(data: bytes) -> int:
    """Return the size in bytes that a BTF's header states.

    The types must come first and the strings right behind them.

    Args:
        data: at least the header.

    Raises:
        DroidbpfError: it is not the header of a BTF, or of one that is too large.
    """
    if len(data) < HEADER.size:
        raise DroidbpfError("BTF: shorter than its header")
    magic, version, flags, header, type_off, type_len, str_off, str_len = HEADER.unpack_from(data)
    if magic == MAGIC >> 8 | (MAGIC & 0xFF) << 8:
        raise DroidbpfError(
            "BTF: it is a big-endian kernel's",
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
    """Find the types of a BTF; their references to each other are not checked.

    Raises:
        DroidbpfError: the header is wrong, a type is cut off or of unknown kind, the strings do not
            begin and end with a NUL.
    """
    if (stated := size(data)) != len(data):
        raise DroidbpfError(f"BTF: its header states {stated} bytes, there are {len(data)}")
    type_len = HEADER.unpack_from(data)[-3]  # the strings take the last two fields
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
            length, add = known[words[position + INFO]]
        except KeyError:
            info = words[position + INFO]
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
    """Return the words that a type with this info takes."""
    kind, members = kind_of(info), members_of(info)
    if kind not in FORMS:
        raise DroidbpfError(f"BTF: type {number} is of unknown kind {kind}")
    if info & _RESERVED or (flag_of(info) and kind not in _WITH_FLAG):
        raise DroidbpfError(f"BTF: type {number} has unknown flags: {info:#010x}")
    form = FORMS[kind]
    if members and not form.each and kind != FUNC:
        raise DroidbpfError(f"BTF: type {number}, of kind {kind}, has members")
    return OWN + form.always + members * form.each
