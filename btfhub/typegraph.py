"""The types of a small BTF as a graph: an app's object, a minimized BTF. Not a kernel's."""

from collections.abc import Iterator
from dataclasses import dataclass

from base.errors import DroidbpfError
from btfhub import btf
from btfhub.btf import ARRAY, ENUM, ENUM64, FLOAT, INT, PTR, STRUCT, UNION

_POINTER_SIZE = 8
_SIGNED = 1 << 24  # in the word that follows an INT's own: BTF_INT_SIGNED
_MOST_MEMBERS = 100_000  # no compiler writes more


@dataclass(frozen=True)
class Member:
    """A member of a struct or union, or a value of an enum.

    `offset` in bits; `bits` is a bitfield's width, else 0. Of an enum's value there is the name.
    """

    name: str
    type: int = 0
    offset: int = 0
    bits: int = 0


@dataclass(frozen=True)
class Type:
    """A type: `target` is what it refers to, `size` in bytes, `count` the elements of an array."""

    kind: int
    name: str
    size: int = 0
    target: int = 0
    count: int = 0
    signed: bool = False
    members: tuple[Member, ...] = ()


def load(data: bytes) -> list[Type]:
    """Give the types of a BTF by their ids; 0 is void.

    Raises:
        DroidbpfError: as btf.walk().
    """
    found = btf.walk(data)
    types = [Type(0, "void")]
    for number, start in enumerate(found.starts[1:], 1):
        name = found.name(number)
        info, size = found.words[start + 1], found.words[start + 2]
        kind, count, flag = info >> 24 & 0x1F, info & 0xFFFF, bool(info >> 31)
        before, each = btf.EXTRA[kind]
        rest = found.words[start + btf.OWN : start + btf.OWN + before + count * each]
        if kind == INT:
            types.append(Type(kind, name, size, signed=bool(rest[0] & _SIGNED)))
        elif kind == ARRAY:
            types.append(Type(kind, name, target=rest[0], count=rest[2]))
        elif kind in (STRUCT, UNION):
            members = tuple(
                Member(found.text(text), target, place & 0xFFFFFF, place >> 24)
                if flag
                else Member(found.text(text), target, place)
                for text, target, place in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
            )
            types.append(Type(kind, name, size, members=members))
        elif kind in (ENUM, ENUM64):
            values = tuple(Member(found.text(text)) for text in rest[::each])
            types.append(Type(kind, name, size, signed=flag, members=values))
        elif kind == FLOAT:
            types.append(Type(kind, name, size))
        else:
            types.append(Type(kind, name, target=size))
    return types


def resolved(types: list[Type], number: int) -> tuple[int, Type]:
    """Give a type without typedefs and qualifiers, with its id.

    Raises:
        DroidbpfError: there is no such type, or it is a cycle.
    """
    for _ in range(btf.MAX_CHAIN):
        if not 0 <= number < len(types):
            raise DroidbpfError(f"BTF: there is no type {number}")
        if types[number].kind not in btf.MODIFIERS:
            return number, types[number]
        number = types[number].target
    raise DroidbpfError(f"BTF: type {number} refers to itself")


def size(types: list[Type], number: int) -> int:
    """Give the size of a type in bytes, as btf__resolve_size() does.

    Raises:
        DroidbpfError: it has none.
    """
    elements = 1
    for _ in range(btf.MAX_CHAIN):
        _, found = resolved(types, number)
        if found.kind == ARRAY:
            elements *= found.count
            number = found.target
        elif found.kind == PTR:
            return elements * _POINTER_SIZE
        elif found.kind in (INT, STRUCT, UNION, ENUM, ENUM64, FLOAT):
            return elements * found.size
        else:
            break
    raise DroidbpfError(f"BTF: type {number} has no size")


def members(types: list[Type], number: int) -> Iterator[Member]:
    """Give the members of a struct or union; those of anonymous ones in it as its own.

    Raises:
        DroidbpfError: anonymous types are nested without end.
    """
    waiting = [Member("", number)]
    left = _MOST_MEMBERS
    while waiting:
        outer = waiting.pop()
        inner = resolved(types, outer.type)[1].members
        left -= len(inner) + 1
        if left < 0:
            raise DroidbpfError(f"BTF: type {number} holds too many members")
        for member in inner:
            here = Member(member.name, member.type, outer.offset + member.offset, member.bits)
            if member.name:
                yield here
            else:
                waiting.append(here)
