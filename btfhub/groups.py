"""The types of a BTF by their form, so that many are checked by one call that runs in C."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, count
from typing import NamedTuple, NoReturn

from base.errors import DroidbpfError
from btfhub import btf


class Group(NamedTuple):
    """Types of one form: the same kind, flag, and number of members.

    `words` are those behind the own words of each of the types, all in one; see word().
    """

    kind: int
    flag: int
    each: int
    types: list[int]
    words: "array[int]"

    def word(self, which: int) -> "array[int]":
        """Return one word of each member, or of each type where a kind has no members."""
        form = btf.FORMS[self.kind]
        return self.words[which :: form.always or form.each]


@dataclass(frozen=True)
class Grouped:
    """A BTF's types in groups, and the words that all of them have, by the type's number.

    Attributes:
        third: the size, or the type that is referred to.
    """

    layout: btf.Layout
    kinds: bytes
    third: "array[int]"
    groups: list[Group]

    def thirds(self, group: Group) -> list[int]:
        """Return the sizes of a group's types, or the types that they refer to."""
        return [self.third[number] for number in group.types]

    def refuse(self, number: int, what: str) -> NoReturn:
        """Raise the error that a type is wrong."""
        raise DroidbpfError(f"BTF: {self.layout.shown(number)} {what}")


def grouped(layout: btf.Layout) -> Grouped:
    """Put the types of a BTF in groups."""
    raw = layout.words.tobytes()
    groups = [_group(layout, raw, info, types) for info, types in layout.groups.items()]
    return Grouped(layout, layout.kinds(), layout.column(btf.THIRD), groups)


def _group(layout: btf.Layout, raw: bytes, info: int, types: list[int]) -> Group:
    kind, each = btf.kind_of(info), btf.members_of(info)
    form = btf.FORMS[kind]
    words = array("I")
    if length := btf.WORD * (form.always + each * form.each):
        begins = [btf.WORD * (start + btf.OWN) for start in map(layout.starts.__getitem__, types)]
        words.frombytes(b"".join([raw[begin : begin + length] for begin in begins]))
    return Group(kind, btf.flag_of(info), each, types, words)


def first(wrong: Iterable[bool]) -> int:
    """Return the index of the first that is true; there is one."""
    return next(compress(count(), wrong))
