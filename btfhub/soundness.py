"""Checks the references among the types of a BTF, so that no reader goes astray.

The rules are those of the kernel's own check (kernel/bpf/btf.c: btf_check_meta, btf_resolve) that a
reader relies on: nothing outside, nothing that contains itself, no member beyond its struct.
"""

from collections.abc import Collection, Sequence

from base.errors import DroidbpfError
from btfhub import btf, groups, nesting
from btfhub.groups import Group, Grouped, first

_SIZES = {
    btf.INT: {1, 2, 4, 8, 16},
    btf.ENUM: {1, 2, 4, 8},
    btf.ENUM64: {1, 2, 4, 8},
    btf.FLOAT: {2, 4, 8, 12, 16},
}
_NAMED = (btf.FWD, btf.TYPEDEF, btf.FUNC, btf.VAR, btf.DATASEC, btf.DECL_TAG, btf.TYPE_TAG)
_ENCODINGS = (0, 1, 2, 4)  # of an INT: none, signed, char, bool
# What a kind may refer to, and its members: no function, variable, section or tag is a type.
_ANY = {0, *btf.FORMS} - {btf.FUNC, btf.VAR, btf.DATASEC, btf.DECL_TAG}
_VALUE = _ANY - {0, btf.FUNC_PROTO}
_TARGETS: dict[int, Collection[int]] = dict.fromkeys(
    (btf.PTR, *btf.MODIFIERS, btf.FUNC_PROTO, btf.VAR), _ANY
)
_TARGETS |= {btf.FWD: {0}, btf.ARRAY: {0}, btf.FUNC: {btf.FUNC_PROTO}}
_TARGETS |= {btf.DECL_TAG: {btf.STRUCT, btf.UNION, btf.FUNC, btf.VAR, btf.TYPEDEF}}
# What those words behind its own may refer to that Form.types names. An array: its index, too.
_MEMBER_TARGETS: dict[int, Collection[int]] = {
    btf.ARRAY: _VALUE,
    btf.STRUCT: _VALUE,
    btf.UNION: _VALUE,
    btf.FUNC_PROTO: _ANY,
    btf.DATASEC: {btf.VAR, btf.FUNC},
}


def check(layout: btf.Layout) -> None:
    """Check the types of a BTF.

    Raises:
        DroidbpfError: the first thing that is wrong, and at which type.
    """
    _strings(layout.strings)
    types = groups.grouped(layout)
    _names(types)
    for group in types.groups:
        _own_words(types, group)
    for group in types.groups:
        _references(types, group)
    nesting.check(types)


def _strings(strings: bytes) -> None:
    """Refuse a string that is too long to be copied for each type that has it."""
    position = 0
    while position < len(strings) - 1:
        nearest = strings.rfind(b"\0", position + 1, position + 1 + btf.MAX_NAME)
        if nearest < 0:
            raise DroidbpfError(f"BTF: a string has more than {btf.MAX_NAME - 1} bytes")
        position = nearest


def _names(grouped: Grouped) -> None:
    """Refuse a name outside the strings, and a type that lacks the name it must have."""
    end = len(grouped.layout.strings)
    names = grouped.layout.column(btf.NAME)
    if max(names) >= end:
        grouped.refuse(first(name >= end for name in names), "has its name outside the strings")
    for group in grouped.groups:
        if group.kind in _NAMED and 0 in [names[number] for number in group.types]:
            grouped.refuse(next(n for n in group.types if not names[n]), "has no name")
        if btf.FORMS[group.kind].named and group.each:
            inner = group.word(0)
            if max(inner) >= end:
                number = group.types[first(name >= end for name in inner) // group.each]
                grouped.refuse(number, "has a member's name outside the strings")


def _own_words(grouped: Grouped, group: Group) -> None:
    """Refuse unknown sizes and encodings."""
    kind, third = group.kind, grouped.third
    if kind in _SIZES and not _SIZES[kind].issuperset(grouped.thirds(group)):
        bad = next(n for n in group.types if third[n] not in _SIZES[kind])
        grouped.refuse(bad, f"has a size of {third[bad]} bytes")
    if kind == btf.INT:
        for number, word in zip(group.types, group.words, strict=True):
            end = (word >> 16 & 0xFF) + (word & 0xFF)
            if end > 8 * third[number] or word >> 24 not in _ENCODINGS:
                grouped.refuse(number, f"is an integer of unknown form {word:#010x}")


def _references(grouped: Grouped, group: Group) -> None:
    """Refuse a reference to a type that does not exist or does not fit."""
    if group.kind in _TARGETS:
        _targets(grouped, group.types, grouped.thirds(group), _TARGETS[group.kind])
    if group.kind in _MEMBER_TARGETS and group.words:
        for word in btf.FORMS[group.kind].types:
            _targets(grouped, group.types, group.word(word), _MEMBER_TARGETS[group.kind])


def _targets(
    grouped: Grouped, types: list[int], targets: Sequence[int], allowed: Collection[int]
) -> None:
    """Check what a group's types refer to, the same number of targets for each."""
    each = len(targets) // len(types)
    try:
        kinds = bytes([grouped.kinds[target] for target in targets])
    except IndexError:
        most = len(grouped.kinds) - 1
        at = first(target > most for target in targets)
        grouped.refuse(types[at // each], f"refers to type {targets[at]} of {most}")
    if wrong := kinds.translate(None, bytes(allowed)):
        at = kinds.index(wrong[:1])
        number = types[at // each]
        grouped.refuse(number, f"refers to type {targets[at]}, of the wrong kind {wrong[0]}")
