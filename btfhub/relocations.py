"""What the CO-RE relocations of an app's objects come to on one kernel, as libbpf has it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError
from btfhub import typegraph
from btfhub.minimize import relocate
from btfhub.objects import ASKING_KINDS, ENUM_KINDS, Wanted, flavoured, wanted

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
            and no; None where nothing matches and the program cannot do without.
            For target_type_id 1 where there is one: the id itself says nothing of another BTF.
        bit: of an offset, the bits beyond `value` bytes at which a bitfield begins.
    """

    wanted: Wanted
    value: int | None
    bit: int = 0


def read(objects: Sequence[Path], btf: Path, bpftool: str = "bpftool") -> list[Relocation]:
    """Give the relocations of objects on a kernel; without those that no kernel decides.

    Args:
        objects: BPF objects.
        btf: the kernel's raw BTF, checked.
        bpftool: the program, 7.0 or newer.

    Raises:
        DroidbpfError: an object is not sound, bpftool is missing or fails (two types of one name
            disagree …), or does not say what is known of it.
    """
    asked = [relocation for path in objects for relocation in wanted(path)]
    if not asked:
        return []
    said, minimized = relocate(objects, btf, bpftool)
    types = typegraph.load(minimized)
    found = []
    for relocation, answers in zip(asked, _answers(asked, said), strict=True):
        if relocation.kind == "local_type_id":
            continue
        matches = [match[1] for answer in answers if (match := _MATCH.fullmatch(answer))]
        value, bit = _value(relocation, matches[0], types) if matches else (None, 0)
        if value is None and relocation.kind in ASKING_KINDS:
            value = 0
        found.append(Relocation(relocation, value, bit))
    return found


def _answers(asked: Sequence[Wanted], lines: Sequence[str]) -> Iterator[list[str]]:
    """Give what libbpf says of each relocation, behind the line that repeats the relocation."""
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
            f"bpftool -d speaks of {len(sections)} relocations, the objects have {len(asked)}",
            "bpftool 7.0 or newer is needed: bpftool version",
        )
    yield from sections


def _prefix(relocation: Wanted) -> str:
    return f"libbpf: prog '{relocation.section}': relo #{relocation.number}: "


def _value(relocation: Wanted, match: str, types: list[typegraph.Type]) -> tuple[int | None, int]:
    """Give a relocation's value and bit from libbpf's words on the type that matches."""
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
    raise DroidbpfError(f"bpftool -d says of a relocation what is not known: {ascii(match)[:200]}")


def _roots(relocation: Wanted, types: list[typegraph.Type]) -> list[int]:
    found = [
        number
        for number, candidate in enumerate(types)
        if candidate.name and flavoured(candidate.name)[0] == relocation.type
    ]
    if not found:
        raise DroidbpfError(f"bpftool kept no type {relocation.type}")
    return found


def _field(relocation: Wanted, offset: int, types: list[typegraph.Type]) -> int:
    """Give size or shifts or signedness of a field, as bpf_core_calc_field_relo() does.

    Args:
        offset: of the field in its root type, in bits.
    """
    for root in _roots(relocation, types):
        member = _walk(types, root, relocation.path)
        if member is not None:
            break
    else:
        raise DroidbpfError(f"bpftool kept no {relocation.type}{relocation.path}")
    _, plain = typegraph.resolved(types, member.type)
    if relocation.kind == "signed":
        return int(plain.signed)
    bytes_ = plain.size if member.bits else typegraph.size(types, member.type)
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


def _walk(types: list[typegraph.Type], root: int, path: str) -> typegraph.Member | None:
    """Give the member or element at the end of a path, None if there is no such."""
    here = typegraph.Member("", root)
    for name, index in _STEP.findall(path):
        if index:
            _, array = typegraph.resolved(types, here.type)
            # What stands first is an element of an array of the root type itself.
            if array.target:
                here = typegraph.Member("", array.target)
            continue
        inner = (m for m in typegraph.members(types, here.type) if m.name == name)
        here = next(inner, typegraph.Member(""))
        if not here.name:
            return None
    return here
