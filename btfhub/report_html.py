"""The compatibility table of an app as one self-contained HTML page."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from btfhub.answers import Column
from btfhub.report import YES_NO_KINDS, Cell, Report, Row, short, shown, summary
from btfhub.report_text import LABELS

_TEMPLATE = Path(__file__).with_name("report.html.j2")
SIGNS = {"same": "", "moved": "≠", "missing": "✕", "absent": "\N{EN DASH}"}
# A struct's name lies above its columns where it is not longer than this for each of them.
_CHARACTERS = 7
# Longer names of a struct with a field stand in two lines, characters.
_UPRIGHT = 28


def page(report: Report) -> str:
    """Return the page: the same bytes for the same report."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    headline, *sentences = summary(report)
    return template.render(
        app=report.app,
        headline=headline,
        sentences=sentences,
        layouts=report.layouts,
        groups=_groups(report.columns),
        branches=[_branch(name, rows, report) for name, rows in report.branches.items()],
        relocations=[_relocation(i, column, report) for i, column in enumerate(report.columns)],
        used=[
            state for state in ("moved", "missing", "absent", "unreliable") if report.found(state)
        ],
        signs=SIGNS,
        reasons=sorted({cell.unreliable for _, _, cell in report.found("unreliable")}),
    )


def _groups(columns: Sequence[Column]) -> list[dict[str, object]]:
    groups = [(type_, list(own)) for type_, own in groupby(columns, lambda column: column.type)]
    return [
        {
            "type": type_,
            "leads": number == 0,
            "upright": len(type_) > _CHARACTERS * len(own),
            "columns": list(map(_head, own)),
        }
        for number, (type_, own) in enumerate(groups)
    ]


def _head(column: Column) -> dict[str, object]:
    flavour = f" (flavour {column.flavour})" if column.flavour else ""
    return {
        "path": column.path.removeprefix("."),
        "dotted": column.path.startswith("."),
        "long": len(column.name) > _UPRIGHT,
        "flavour": column.flavour,
        "label": LABELS[column.kind],
        "title": f"{column.name}{flavour}: {column.kind}, in {', '.join(column.programs)}",
    }


def _branch(name: str, rows: Sequence[Row], report: Report) -> dict[str, object]:
    alike = Counter(row.layout for row in rows)
    first = {row.layout: row for row in reversed(rows)}
    shown_rows = [
        {
            "name": short(row.name),
            "title": row.name.name,
            "layout": row.layout,
            "alike": row is not first[row.layout],
            "more": alike[row.layout] - 1 if row is first[row.layout] else 0,
            "cells": list(map(_cell, report.columns, row.cells)),
        }
        for row in rows
    ]
    return {"name": name or "other kernels", "layouts": len(alike), "rows": shown_rows}


def _relocation(place: int, column: Column, report: Report) -> dict[str, object]:
    cells = [_cell(column, layout.rows[0].cells[place]) for layout in report.layouts]
    return {
        "head": _head(column),
        "type": column.type,
        "programs": column.programs,
        "cells": cells,
        "differs": len({cell["text"] for cell in cells}) > 1,
    }


def _cell(column: Column, cell: Cell) -> dict[str, str]:
    return {
        "text": shown(column, cell),
        "state": cell.state,
        "unreliable": cell.unreliable,
        "title": _title(column, cell),
    }


def _title(column: Column, cell: Cell) -> str:
    """Return a cell in words, with the number in hex."""
    if column.kind in YES_NO_KINDS or cell.value is None:
        words = f"{column.name}: {shown(column, cell)}"
    else:
        value = f"-{-cell.value:#x}" if cell.value < 0 else f"{cell.value:#x}"
        words = f"{column.name}: {cell.value} = {value}"
        words += f", bit {cell.bit}" if cell.bit else ""
    if cell.state == "moved":
        words += f"; {cell.delta:+d} against layout A" if cell.delta else "; not as in layout A"
    elif cell.state == "missing":
        words += "; nothing matches"
    elif cell.state == "absent" and column.kind not in YES_NO_KINDS:
        words += "; nothing matches, and the app asks before"
    return words + (f"; unreliable: {cell.unreliable}" if cell.unreliable else "")
