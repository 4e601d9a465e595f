"""Which CO-RE relocations of an app a kernel answers, and which the app reads without asking."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from btfhub.names import HubName
from btfhub.objects import ASKING_KINDS, Wanted
from btfhub.relocations import Relocation

# Of a relocation: a number and the bit of a bit field, or None where nothing matches.
Value = tuple[int | None, int]


@dataclass(frozen=True)
class Kernel:
    """The relocations of an app on one kernel.

    Attributes:
        unreliable: (struct, member) pairs that this BTF may have in wrong places, with the reason.
    """

    name: HubName
    relocations: Sequence[Relocation]
    unreliable: dict[tuple[str, str], str]


class Faults(NamedTuple):
    """The faults of an app on a kernel, as `struct.member`.

    Attributes:
        missing: what the kernel lacks and the app reads without asking.
        unreliable: what the BTF may have in wrong places.
    """

    missing: Sequence[str] = ()
    unreliable: Sequence[str] = ()


@dataclass(frozen=True)
class Column:
    """A relocation of the app, as often as its programs have it."""

    kind: str
    type: str
    flavour: str
    path: str
    programs: tuple[str, ...]
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The field or type that it is about: `task_struct.tgid`."""
        return f"{self.type}{self.path}"


def columns(relocations: Sequence[Relocation]) -> tuple[Column, ...]:
    """Return the distinct relocations, structs and fields in the order in which they come first."""
    uses: dict[tuple[str, ...], list[Wanted]] = {}
    for relocation in relocations:
        uses.setdefault(relocation.wanted.identity, []).append(relocation.wanted)
    types = list(dict.fromkeys(first.type for first, *_ in uses.values()))
    return tuple(
        Column(
            first.kind,
            first.type,
            first.flavour,
            first.path,
            tuple(dict.fromkeys(one.program for one in (first, *others))),
            first.fields,
        )
        for first, *others in sorted(uses.values(), key=lambda same: types.index(same[0].type))
    )


def values(columns: Iterable[Column], relocations: Iterable[Relocation]) -> tuple[Value, ...]:
    """Return the value of each column on a kernel."""
    found = {r.wanted.identity: (r.value, r.bit) for r in relocations}
    return tuple(found[column.type, column.flavour, column.path, column.kind] for column in columns)


def is_answered(column: Column, value: Value) -> bool:
    """Return whether a relocation found something."""
    return bool(value[0]) if column.kind in ASKING_KINDS else value[0] is not None


def is_missing(column: Column, found: Mapping[Column, Value]) -> bool:
    """Return whether a relocation finds nothing, and the app does not ask before.

    Args:
        found: the values of all columns on a kernel.
    """
    if is_answered(column, found[column]):
        return False
    return column.kind not in ASKING_KINDS and not _is_asked(column, found)


def _is_asked(column: Column, found: Mapping[Column, Value]) -> bool:
    """Return whether the app asks before it reads what is not there.

    It asks for the field (or what it is in, or its type) and hears no; or, for flavours of a struct
    that stand for different kernels, it asks for a field of another flavour and hears yes.
    """
    for other, (value, _) in found.items():
        if other.kind not in ASKING_KINDS or other.type != column.type:
            continue
        inside = column.path == other.path or column.path.startswith(
            (f"{other.path}.", f"{other.path}[")
        )
        if not value and (inside or not other.path):
            return True
        if value and other.flavour != column.flavour and other.path != column.path:
            return True
    return False


def faults(kernel: Kernel) -> Faults:
    """Return the faults of an app on a kernel."""
    all_ = columns(kernel.relocations)
    found = dict(zip(all_, values(all_, kernel.relocations), strict=True))
    missing = {column.name for column in all_ if is_missing(column, found)}
    unreliable = {f"{struct}.{member}" for struct, member in kernel.unreliable}
    return Faults(sorted(missing), sorted(unreliable))
