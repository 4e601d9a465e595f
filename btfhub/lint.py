"""Known defects of hub files, and the fields that an app must not read because of them.

A hub file may be sound and still not fit the phones with the kernel of its name: it was built with
other options than the phone's kernel (lint.toml). Then a program reads wrong memory.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from btfhub.typegraph import Struct, structs

_TABLE = Path(__file__).with_name("lint.toml")


class Defect(NamedTuple):
    """What is wrong with a BTF.

    Attributes:
        name: scs, cfi or kasan.
        title: what it is, and what shows it.
    """

    name: str
    title: str


class Unreliable(NamedTuple):
    """A field that is elsewhere on a real kernel, or may be.

    Attributes:
        bit_offset: where the BTF has it.
        defects: names of those that move it.
    """

    struct: str
    member: str
    bit_offset: int
    defects: tuple[str, ...]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text())


def is_judged(branch: str) -> bool:
    """Return whether the defects of a branch's kernels are known."""
    return branch in _table()["branches"]


def defects(data: bytes, branch: str) -> tuple[Defect, ...]:
    """Return the known defects of a BTF, as a kernel of this branch.

    Args:
        data: a BTF that passed btf.check().
        branch: of Android's common kernel, "android12-5.10"; others are not judged: ().
    """
    if not is_judged(branch):
        return ()
    marks = {name: rule for name, rule in _table().items() if isinstance(rule, dict)}
    wanted = {(rule.get("lacks") or rule["has"])[0] for rule in marks.values()}
    found = structs(data, wanted)
    return tuple(Defect(name, rule["title"]) for name, rule in marks.items() if _shows(rule, found))


def _shows(rule: Mapping[str, Any], found: Mapping[str, Struct]) -> bool:
    struct, member = rule.get("lacks") or rule["has"]
    return struct in found and (member in found[struct].members) == ("has" in rule)


def unreliable(
    data: bytes, found: Iterable[Defect], fields: Iterable[tuple[str, str]]
) -> tuple[Unreliable, ...]:
    """Return those of some fields that defects make unreliable, by struct and offset.

    Args:
        data: a BTF that passed btf.check().
        found: what defects() returned for it.
        fields: pairs of struct and member, as objects.fields() returns them.
    """
    rules = {defect.name: _table()[defect.name]["moves"] for defect in found}
    wanted = set(fields)
    names = {struct for struct, _ in wanted if any(struct in moves for moves in rules.values())}
    bad = []
    for name, struct in structs(data, names).items():
        moved = {which: _moved(moves.get(name), struct) for which, moves in rules.items()}
        for member, offset in struct.members.items():
            by = tuple(which for which, members in moved.items() if member in members)
            if by and (name, member) in wanted:
                bad.append(Unreliable(name, member, offset, by))
    return tuple(sorted(bad, key=lambda one: (one.struct, one.bit_offset, one.member)))


def _moved(rule: Mapping[str, Any] | None, struct: Struct) -> Sequence[str]:
    """Return the members that a rule moves; none where the struct lacks those it names."""
    if rule is None:
        return ()
    if "members" in rule:
        return [member for member in rule["members"] if member in struct.members]
    places = struct.members
    begin = places.get(rule["after"])
    end = places.get(rule["before"]) if rule["before"] else 8 * struct.size + 1
    if begin is None or end is None:
        return ()
    return [member for member, offset in places.items() if begin < offset < end]
