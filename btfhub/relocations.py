"""The results of the CO-RE relocations of an app's objects on one kernel, from libbpf's own log."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from base.errors import DroidbpfError, printable
from btfhub import typegraph
from btfhub.btf import ARRAY, Layout, walk
from btfhub.objects import ASKING_KINDS, ENUM_KINDS, LOCAL_KIND, Wanted, flavoured

_MATCH = re.compile(r"matching candidate #[0-9]+ <[a-z_0-9]+> \[[0-9]+\] (.*)")
_OFFSET = re.compile(r" @ offset ([0-9]+)(?:\.([0-7]))?\)$")
_VALUE = re.compile(r" = (-?[0-9]+)$")
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")


@dataclass(frozen=True)
class Relocation:
    """A relocation on a kernel.

    Attributes:
        wanted: what the object asks for.
        value: an offset or size in bytes, a number of bits, an enumerator's value, 1 or 0 for yes
            and no; None where nothing matches and the program needs it.
            For target_type_id 1 where there is one: the id itself means nothing in another BTF.
        bit: of an offset, the bits beyond `value` bytes at which a bitfield begins.
    """

    wanted: Wanted
    value: int | None
    bit: int = 0


def interpret(asked: Sequence[Wanted], log: Sequence[str], minimized: bytes) -> list[Relocation]:
    """Return the results of relocations from what bpftool printed and wrote.

    Args:
        asked: all relocations of the objects that bpftool was given, in their order.
        log: the lines that `bpftool -d` printed.
        minimized: the BTF that it wrote.

    Raises:
        DroidbpfError: the log is not as that of bpftool 7.0 or newer.
    """
    types = walk(minimized)
    found = []
    for relocation, answers in zip(asked, _answers(asked, log), strict=True):
        if relocation.kind == LOCAL_KIND:
            continue
        matches = [match[1] for answer in answers if (match := _MATCH.fullmatch(answer))]
        value, bit = _value(relocation, matches[0], types) if matches else (None, 0)
        if value is None and relocation.kind in ASKING_KINDS:
            value = 0
        found.append(Relocation(relocation, value, bit))
    return found


def _answers(asked: Sequence[Wanted], lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield libbpf's lines on each relocation, behind the line that repeats the relocation."""
    sections: list[list[str]] = []
    prefix = following = _prefix(asked[0])
    for line in lines:
        if len(sections) < len(asked):
            next_ = asked[len(sections)]
            following = _prefix(next_)
            if line.startswith(f"{following}<{next_.kind}> [{next_.type_id}] "):
                sections.append([])
                prefix = following
                continue
        if sections and line.startswith(prefix):
            sections[-1].append(line.removeprefix(prefix))
    if len(sections) != len(asked):
        raise DroidbpfError(
            f"bpftool -d lists {len(sections)} relocations, the objects have {len(asked)}",
            "bpftool 7.0 or newer is needed: bpftool version",
        )
    yield from sections


def _prefix(relocation: Wanted) -> str:
    return f"libbpf: prog '{relocation.section}': relo #{relocation.number}: "


def _value(relocation: Wanted, match: str, types: Layout) -> tuple[int | None, int]:
    """Return a relocation's value and bit from libbpf's words on the type that matches."""
    kind = relocation.kind
    if kind in ENUM_KINDS or kind in ASKING_KINDS - {"type_size"}:
        if kind != "enumval_value":
            return 1, 0
        if value := _VALUE.search(match):
            return int(value[1]), 0
    elif kind == "type_size":
        return typegraph.size(types, _roots(relocation, types)[0]), 0
    elif offset := _OFFSET.search(match):
        first, bit = int(offset[1]), int(offset[2] or 0)
        if kind == "byte_off":
            return first, bit
        return _field(relocation, 8 * first + bit, types), 0
    raise DroidbpfError(
        f"bpftool -d prints an unknown line on a relocation: {printable(match)[:200]}"
    )


def _roots(relocation: Wanted, types: Layout) -> list[int]:
    numbers = range(1, len(types.starts))
    found = [number for number in numbers if flavoured(types.name(number))[0] == relocation.type]
    if not found:
        raise DroidbpfError(f"bpftool kept no type {relocation.type}")
    return found


def _field(relocation: Wanted, offset: int, types: Layout) -> int:
    """Return size or shifts or signedness of a field, as bpf_core_calc_field_relo() does.

    Args:
        offset: of the field in its root type, in bits.
    """
    for root in _roots(relocation, types):
        member = _walk(types, root, relocation.path)
        if member is not None:
            break
    else:
        raise DroidbpfError(f"bpftool kept no {relocation.type}{relocation.path}")
    plain = types.resolved(member.type)
    if relocation.kind == "signed":
        return int(typegraph.is_signed(types, plain))
    bytes_ = typegraph.size(types, plain)
    if member.bits and bytes_ in (1, 2, 4, 8):
        first = offset // 8 // bytes_ * bytes_
        while offset + member.bits > 8 * (first + bytes_) and bytes_ < 8:
            bytes_ *= 2
            first = offset // 8 // bytes_ * bytes_
    else:
        first = offset // 8
    if relocation.kind == "byte_sz":
        return bytes_
    bits = member.bits or 8 * bytes_
    if relocation.kind == "rshift_u64":
        return 64 - bits
    return 64 - (offset + bits - 8 * first)


def _walk(types: Layout, root: int, path: str) -> typegraph.Member | None:
    """Return the member or element at the end of a path, None if there is no such."""
    here = typegraph.Member("", root)
    for name, index in _STEP.findall(path):
        target = types.resolved(here.type)
        if index:
            # What stands first is an element of an array of the root type itself.
            if types.kind(target) == ARRAY:
                here = typegraph.Member("", types.behind(target)[0])
            continue
        inner = (m for m in typegraph.members(types, target) if m.name == name)
        if (found := next(inner, None)) is None:
            return None
        here = found
    return here
