"""The compatibility table of an app: kernels by CO-RE relocations, and which kernels are alike."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from base.errors import DroidbpfError
from btfhub.answers import Column, Kernel, Value, columns, is_answered, is_missing, values
from btfhub.names import HubName
from btfhub.objects import ASKING_KINDS

# Kinds whose answer is yes or no, as numbers 1 and 0.
YES_NO_KINDS = ASKING_KINDS - {"type_size"}
_TIMES = "\N{MULTIPLICATION SIGN}"
_KIND_ORDER = {"month": 0, "lts": 1, "tip": 2}


@dataclass(frozen=True)
class Cell:
    """A relocation on a kernel.

    Attributes:
        value, bit: as in Relocation.
        state: "same" as in the reference; "moved": another value; "missing": nothing matches;
            "absent": nothing matches, and the app asks whether it does.
        unreliable: why the BTF may be wrong here, or "".
        delta: what a moved value has more than the reference's.
    """

    value: int | None
    bit: int
    state: str
    unreliable: str = ""
    delta: int = 0

    def has(self, state: str) -> bool:
        """Return whether it has a state; "unreliable" counts as one."""
        return bool(self.unreliable) if state == "unreliable" else self.state == state


@dataclass(frozen=True)
class Row:
    """A kernel: its cells are in the order of the columns, its layout is the name of one."""

    name: HubName
    layout: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Layout:
    """Kernels on which every relocation has the same result: "A" is the commonest, the reference.

    `kernels` names them in short, by branch: ("android12-5.10", "2021-10 … 2023-04, lts, tip").
    """

    name: str
    rows: tuple[Row, ...]
    kernels: tuple[tuple[str, str], ...]

    def count(self, state: str) -> int:
        """Return how many relocations have a state on any of the kernels."""
        columns = zip(*(row.cells for row in self.rows), strict=True)
        return sum(any(cell.has(state) for cell in column) for column in columns)


@dataclass(frozen=True)
class Report:
    """An app on kernels. The rows are ordered by branch, the columns by struct."""

    app: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    layouts: tuple[Layout, ...]

    @property
    def branches(self) -> dict[str, list[Row]]:
        """The rows of each branch; "" has those of none."""
        return {b: list(rows) for b, rows in groupby(self.rows, lambda row: row.name.branch)}

    def found(self, state: str) -> list[tuple[Row, Column, Cell]]:
        """Return the cells with a state, as Cell.has() has it."""
        return [
            (row, column, cell)
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            if cell.has(state)
        ]


def build(app: str, kernels: Iterable[Kernel]) -> Report:
    """Compare the relocations of an app on kernels.

    Raises:
        DroidbpfError: there are no kernels.
    """
    kernels = sorted(kernels, key=_order)
    if not kernels:
        raise DroidbpfError("there are no kernels to report on")
    all_ = columns(kernels[0].relocations)
    results = [values(all_, kernel.relocations) for kernel in kernels]
    groups: dict[tuple[Value, ...], list[int]] = {}
    for i, own in enumerate(results):
        groups.setdefault(own, []).append(i)
    # Stable: of layouts with equally many kernels, that of the first kernel comes first.
    ordered = sorted(groups, key=lambda own: -len(groups[own]))
    names = {own: _letters(i) for i, own in enumerate(ordered)}
    reference = [
        next(
            (own[i] for own in ordered if own[i][0] is not None and is_answered(column, own[i])),
            None,
        )
        for i, column in enumerate(all_)
    ]
    rows = [
        Row(kernel.name, names[own], _cells(all_, own, reference, kernel.unreliable))
        for kernel, own in zip(kernels, results, strict=True)
    ]
    layouts = []
    for own in ordered:
        of_this = tuple(rows[i] for i in groups[own])
        layouts.append(Layout(names[own], of_this, _in_short(of_this, rows)))
    return Report(app, all_, tuple(rows), tuple(layouts))


def summary(report: Report) -> list[str]:
    """Return the result in sentences."""
    lines = [
        f"{_number(len(report.columns), 'relocation')} {_TIMES} "
        f"{_number(len(report.rows), 'kernel')}: {_number(len(report.layouts), 'layout')}"
    ]
    alike: dict[str, list[str]] = {}
    for branch, rows in report.branches.items():
        counted = Counter(row.layout for row in rows)
        if not branch or len(rows) < 2:
            continue
        if len(counted) == 1:
            alike.setdefault(rows[0].layout, []).append(branch)
        else:
            parts = (f"{layout} on {number}" for layout, number in counted.most_common())
            lines.append(f"{len(counted)} layouts on {branch}: {', '.join(parts)}")
    for layout, branches in alike.items():
        lines.append(f"month-independent on {' and '.join(branches)} (layout {layout})")
    for state in ("missing", "unreliable"):
        if found := report.found(state):
            what = {column.name for _, column, _ in found}
            where = {row.name.name for row, _, _ in found}
            lines.append(
                f"{_number(len(what), 'field')} {state} on {_number(len(where), 'kernel')}"
            )
    return lines


def shown(column: Column, cell: Cell) -> str:
    """Return a cell's value as it is shown: an offset, 1416.1 for a bitfield, yes, no, none."""
    if cell.value is None:
        return "none"
    if column.kind in YES_NO_KINDS:
        return "yes" if cell.value else "no"
    return f"{cell.value}.{cell.bit}" if cell.bit else str(cell.value)


def short(name: HubName) -> str:
    """Return the part of a kernel's name behind its branch: 2022-05, lts, tip."""
    if name.month or name.kind in ("lts", "tip"):
        return name.month or name.kind
    return name.name.removeprefix(f"{name.branch}-") if name.branch else name.name


def _order(kernel: Kernel) -> tuple[object, ...]:
    name = kernel.name
    rank = 0 if name.kind in _KIND_ORDER else 1 if name.branch else 2
    return rank, name.branch, _KIND_ORDER.get(name.kind, 0), name.month, name.name


def _cells(
    columns: Sequence[Column],
    own: Sequence[Value],
    reference: Sequence[Value | None],
    unreliable: dict[tuple[str, str], str],
) -> tuple[Cell, ...]:
    found = dict(zip(columns, own, strict=True))
    cells = []
    for column, (value, bit), expected in zip(columns, own, reference, strict=True):
        delta = 0
        if not is_answered(column, (value, bit)):
            state = "missing" if is_missing(column, found) else "absent"
        elif expected and (value, bit) != expected:
            state = "moved"
            delta = (value or 0) - (expected[0] or 0)
        else:
            state = "same"
        reasons = [unreliable[field] for field in column.fields if field in unreliable]
        why = reasons[0] if reasons and column.kind == "byte_off" and value is not None else ""
        cells.append(Cell(value, bit, state, why, delta))
    return tuple(cells)


def _in_short(chosen: Sequence[Row], rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return kernels by branch: runs of months as "first … last", then the others."""
    texts = []
    for branch, group in groupby(chosen, lambda row: row.name.branch):
        own = list(group)
        every = [r.name.month for r in rows if r.name.branch == branch and r.name.month]
        places = [every.index(row.name.month) for row in own if row.name.month]
        parts = []
        for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
            months = [every[place] for _, place in run]
            parts += [f"{months[0]} … {months[-1]}"] if len(months) > 2 else months
        parts += [short(row.name) for row in own if not row.name.month]
        texts.append((branch, ", ".join(parts)))
    return tuple(texts)


def _letters(number: int) -> str:
    """Return the letters of a number: A … Z, AA, AB …"""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
