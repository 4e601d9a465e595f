"""The types of a BTF by their form, so that many are looked at in one go, by what runs in C."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, count
from typing import NamedTuple, NoReturn

from base.errors import DroidbpfError
from btfhub import btf


class Group(NamedTuple):
    """Types of one form: the same kind, flag, and number of members.

    `words` is what follows the own words of each of the types, all in one; see word().
    """

    kind: int
    flag: int
    each: int
    types: list[int]
    words: "array[int]"

    def word(self, which: int) -> "array[int]":
        """Give one word of each member; where a kind has no members, of what follows each type."""
        always, step = btf.EXTRA[self.kind]
        return self.words[which :: always or step]


@dataclass(frozen=True)
class Grouped:
    """A BTF's types in groups, and what all of them have, by the type's number.

    Attributes:
        third: the size, or the type that is referred to.
    """

    layout: btf.Layout
    kinds: bytes
    third: "array[int]"
    groups: list[Group]

    def thirds(self, group: Group) -> list[int]:
        """Give the sizes of a group's types, or the types that they refer to."""
        return [self.third[number] for number in group.types]

    def refuse(self, number: int, what: str) -> NoReturn:
        """Raise the error that a type is wrong."""
        raise DroidbpfError(f"BTF: {self.layout.called(number)} {what}")


def grouped(layout: btf.Layout) -> Grouped:
    """Put the types of a BTF in groups."""
    raw = layout.words.tobytes()
    groups = [_group(layout, raw, info, types) for info, types in layout.groups.items()]
    return Grouped(layout, layout.kinds(), layout.column(2), groups)


def _group(layout: btf.Layout, raw: bytes, info: int, types: list[int]) -> Group:
    kind, each = info >> 24 & 0x1F, info & 0xFFFF
    always, step = btf.EXTRA[kind]
    words = array("I")
    if length := 4 * (always + each * step):
        begins = [4 * (start + btf.OWN) for start in map(layout.starts.__getitem__, types)]
        words.frombytes(b"".join([raw[begin : begin + length] for begin in begins]))
    return Group(kind, info >> 31, each, types, words)


def first(wrong: Iterable[bool]) -> int:
    """Give the index of the first that is true; there is one."""
    return next(compress(count(), wrong))
