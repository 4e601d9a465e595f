"""The compatibility table of an app for terminals and programs: relocations by layout, and JSON."""

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from btfhub.answers import Column
from btfhub.report import Cell, Layout, Report, shown, summary

LABELS = {
    "byte_off": "",
    "byte_sz": "size",
    "field_exists": "exists?",
    "signed": "signed",
    "lshift_u64": "left shift",
    "rshift_u64": "right shift",
    "target_type_id": "type id",
    "type_exists": "exists?",
    "type_size": "size",
    "type_matches": "matches?",
    "enumval_exists": "exists?",
    "enumval_value": "value",
}
SIGNS = {"same": "", "moved": "*", "missing": "!", "absent": "-"}
UNRELIABLE = "?"
LEGEND = {
    "*": "moved: another value than in layout A",
    "!": "missing: nothing matches, the kernel refuses the program that reads it",
    "-": "absent: nothing matches, and the app asks before",
    "?": "unreliable: the BTF may have it in a wrong place",
}
_COLOURS = {"*": "33", "!": "31", "-": "2", "?": "35"}


def text(report: Report, width: int = 80, colour: bool = False) -> str:
    """Return the report as lines: the summary, the layouts, then each relocation in each layout.

    Args:
        width: of the terminal, in columns; what does not fit beside each other goes below.
        colour: use the terminal's colours.
    """
    headline, *sentences = summary(report)
    result = [f"{report.app}: {headline}", *sentences]
    lines = [part for line in result for part in wrap(line, width, subsequent_indent="  ")]
    lines.append("")
    lines += _layouts(report.layouts, width)
    used: set[str] = set()
    left = max([len(_label(column)) + 2 for column in report.columns], default=0)
    cells = {
        layout.name: [_cell(column, layout, i) for i, column in enumerate(report.columns)]
        for layout in report.layouts
    }
    each = max((len(cell[0]) for column in cells.values() for cell in column), default=0) + 2
    beside = max(1, (width - left) // max(each, 3))
    for first in range(0, len(report.layouts) if report.columns else 0, beside):
        part = report.layouts[first : first + beside]
        lines += [
            "",
            " " * left + "".join(f"{layout.name:>{each - 1}} " for layout in part).rstrip(),
        ]
        numbered = enumerate(report.columns)
        for type_, columns in groupby(numbered, lambda pair: pair[1].type):
            lines.append(type_)
            for i, column in columns:
                row = f"  {_label(column):{left - 2}}"
                for layout in part:
                    shown_text, signs = cells[layout.name][i]
                    used |= set(signs)
                    row += " " * (each - len(shown_text)) + _painted(shown_text, signs, colour)
                lines.append(row.rstrip())
    lines += [""] if used else []
    for sign, meaning in LEGEND.items():
        if sign in used:
            begin, *rest = wrap(f"{sign} {meaning}", width, subsequent_indent="  ")
            lines += [_painted(sign, sign, colour) + begin[1:], *rest]
    return "\n".join(lines)


def document(report: Report) -> dict[str, Any]:
    """Return the report as a document for programs."""
    return {
        "app": report.app,
        "summary": summary(report),
        "relocations": [
            {key: getattr(column, key) for key in ("kind", "type", "flavour", "path", "programs")}
            for column in report.columns
        ],
        "layouts": [
            {"name": layout.name, "kernels": [row.name.name for row in layout.rows]}
            for layout in report.layouts
        ],
        "kernels": [
            {
                "name": row.name.name,
                "branch": row.name.branch,
                "month": row.name.month,
                "layout": row.layout,
                "cells": [_members(cell) for cell in row.cells],
            }
            for row in report.rows
        ],
    }


def failures(report: Report, state: str) -> list[str]:
    """Return a line for each relocation that is "missing" or has "moved", with the kernels."""
    where: dict[Column, list[str]] = {}
    for row, column, _ in report.found(state):
        where.setdefault(column, []).append(row.name.name)
    return [
        f"{state}: {column.name} {LABELS[column.kind]}".rstrip() + f" on {', '.join(names)}"
        for column, names in where.items()
    ]


def _members(cell: Cell) -> dict[str, object]:
    members: dict[str, object] = {"value": cell.value, "state": cell.state}
    if cell.bit:
        members["bit"] = cell.bit
    if cell.unreliable:
        members["unreliable"] = cell.unreliable
    return members


def _layouts(layouts: Sequence[Layout], width: int) -> list[str]:
    lines = []
    for layout in layouts:
        number = f"{len(layout.rows)} kernel{'' if len(layout.rows) == 1 else 's'}"
        head = f"{layout.name:<2} {number:>10}  "
        blank = " " * len(head)
        for branch, kernels in layout.kernels:
            # Wrapped behind commas alone: other spaces are no-break ones meanwhile.
            words = f"{branch} {kernels}".strip().replace(" ", "\xa0").replace(",\xa0", ", ")
            wrapped = wrap(
                words,
                max(width, len(head) + 1),
                initial_indent=head,
                subsequent_indent=blank,
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines += [line.replace("\xa0", " ") for line in wrapped]
            head = blank
    return lines


def _label(column: Column) -> str:
    name = column.path or column.flavour or "(itself)"
    extra = " ".join(
        part for part in (column.flavour if column.path else "", LABELS[column.kind]) if part
    )
    return f"{name} {extra}".rstrip()


def _cell(column: Column, layout: Layout, place: int) -> tuple[str, str]:
    """Return a cell's text and the signs in it."""
    cell = layout.rows[0].cells[place]
    doubt = UNRELIABLE if any(row.cells[place].unreliable for row in layout.rows) else ""
    sign = SIGNS[cell.state]
    return f"{sign}{shown(column, cell)}{doubt or ' '}", sign + doubt


def _painted(text_: str, signs: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[signs[0]]}m{text_}\x1b[0m" if colour and signs else text_
