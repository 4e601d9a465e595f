"""What the types of a BTF are in C: structs by name, members, sizes."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from base.errors import DroidbpfError
from btfhub import btf
from btfhub.btf import Layout

POINTER_SIZE = 8
COMPOSITES = (btf.STRUCT, btf.UNION)
_SIZED = (btf.INT, btf.STRUCT, btf.UNION, btf.ENUM, btf.ENUM64, btf.FLOAT)
_SIGNED = 1 << 24  # of the word behind an INT: BTF_INT_SIGNED
_OFFSET = 0xFF_FFFF  # of a member's last word, where the struct has the flag; its bits are above
_MOST_MEMBERS = 100_000  # no compiler writes more


class Member(NamedTuple):
    """A member of a struct or union, or a value of an enum, which has a name alone.

    Attributes:
        offset: in bits.
        bits: the width of a bit field, else 0.
    """

    name: str
    type: int = 0
    offset: int = 0
    bits: int = 0


class Struct(NamedTuple):
    """A struct or union: its size in bytes and its members' offsets in bits.

    The members of structs and unions without a name inside it are its own, too, as in C.
    """

    size: int
    members: dict[str, int]


def member(types: Layout, number: int, index: int) -> Member:
    """Return a member of a struct or union, or a value of an enum.

    Raises:
        DroidbpfError: there is no such member.
    """
    info = types.own(number, btf.INFO)
    which = btf.kind_of(info)
    if which not in (*COMPOSITES, btf.ENUM, btf.ENUM64) or not 0 <= index < btf.members_of(info):
        raise DroidbpfError(f"BTF: {types.shown(number)} has no member {index}")
    place = types.starts[number] + btf.OWN + btf.FORMS[which].each * index
    name = types.text(types.words[place + btf.NAME])
    if which not in COMPOSITES:
        return Member(name)
    _, target, offset = types.words[place : place + btf.OWN]
    if btf.flag_of(info):
        return Member(name, target, offset & _OFFSET, offset >> 24)
    return Member(name, target, offset)


def members(types: Layout, number: int) -> Iterator[Member]:
    """Yield the members of a struct or union, and behind them those of nameless ones in it.

    Raises:
        DroidbpfError: there are more than in any real one.
    """
    left = [(0, number)]
    seen = 0
    while left:
        base, outer = left.pop(0)
        count = btf.members_of(types.own(outer, btf.INFO))
        seen += count + 1
        if seen > _MOST_MEMBERS:
            raise DroidbpfError(f"BTF: {types.shown(number)} has too many members")
        for index in range(count):
            inner = member(types, outer, index)
            inner = inner._replace(offset=base + inner.offset)
            if inner.name:
                yield inner
            elif types.kind(nested := types.resolved(inner.type)) in COMPOSITES:
                left.append((inner.offset, nested))


def size(types: Layout, number: int) -> int:
    """Return the size of a type in bytes, as btf__resolve_size() does.

    Raises:
        DroidbpfError: it has none.
    """
    elements = 1
    for _ in range(btf.MAX_CHAIN):
        number = types.resolved(number)
        which = types.kind(number)
        if which == btf.PTR:
            return elements * POINTER_SIZE
        if which in _SIZED:
            return elements * types.own(number, btf.THIRD)
        if which != btf.ARRAY:
            break
        number, _, count = types.behind(number)
        elements *= count
    raise DroidbpfError(f"BTF: type {number} has no size")


def is_signed(types: Layout, number: int) -> bool:
    """Return whether a number, or an enum, has a sign."""
    info = types.own(number, btf.INFO)
    if btf.kind_of(info) == btf.INT:
        return bool(types.behind(number)[0] & _SIGNED)
    return btf.kind_of(info) in (btf.ENUM, btf.ENUM64) and bool(btf.flag_of(info))


def structs(data: bytes, names: Iterable[str]) -> dict[str, Struct]:
    """Return structs and unions by name, the first of each name; those that are missing are not.

    Args:
        data: a BTF that passed btf.check().

    Raises:
        DroidbpfError: as btf.walk() and members().
    """
    types = btf.walk(data)
    wanted = {name.encode(): name for name in names}
    longest = max(map(len, wanted), default=0)
    found: dict[str, int] = {}
    for number in sorted(types.of_kind(*COMPOSITES)):
        begin = types.words[types.starts[number]]
        end = types.strings.find(b"\0", begin, begin + longest + 1)
        name = wanted.get(types.strings[begin : max(end, begin)])
        if name:
            found.setdefault(name, number)
    return {name: _struct(types, found[name]) for name in wanted.values() if name in found}


def _struct(types: Layout, number: int) -> Struct:
    offsets: dict[str, int] = {}
    for one in members(types, number):
        offsets.setdefault(one.name, one.offset)
    return Struct(types.own(number, btf.THIRD), offsets)
