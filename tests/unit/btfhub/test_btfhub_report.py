"""The compatibility table of an app: who is alike, what moves, what is missing; text and JSON."""

from __future__ import annotations

import json

import pytest
from reports import kernel, months, relocation

from base.errors import DroidbpfError
from btfhub.answers import Kernel
from btfhub.report import build, shown, summary
from btfhub.report_text import document, failures, text

PID = relocation("byte_off", "task", ".pid", 8)
MOVED = relocation("byte_off", "task", ".pid", 24)
GONE = relocation("byte_off", "task", ".pid", None)


def states(*relocations: object) -> list[str]:
    """Return the states of relocations on a lone kernel."""
    return [cell.state for cell in build("app", [kernel("a12-5.10", *relocations)]).rows[0].cells]


def test_commonest_layout_is_the_reference() -> None:
    report = build("app", [kernel("a13-5.10", MOVED), *months("a12-5.10", 1, 3, PID)])
    assert [(layout.name, len(layout.rows)) for layout in report.layouts] == [("A", 3), ("B", 1)]
    assert [row.layout for row in report.rows] == ["A", "A", "A", "B"]
    cell = report.rows[-1].cells[0]
    assert (cell.state, cell.value, cell.delta) == ("moved", 24, 16)


def test_runs_of_months_are_reported_by_their_ends() -> None:
    kernels = [
        *months("a12-5.10", 1, 4, PID),
        *months("a12-5.10", 5, 5, MOVED),
        *months("a12-5.10", 6, 7, PID),
        kernel("a12-5.10", PID),
        kernel("a12-5.10-lts", PID),
        kernel("rock5b-5.10-f9d1b1529", PID),
    ]
    first, second = build("app", reversed(kernels)).layouts
    assert first.kernels == (
        ("android12-5.10", "2022-01 … 2022-04, 2022-06, 2022-07, lts, tip"),
        ("rock5b", "5.10-f9d1b1529"),
    )
    assert second.kernels == (("android12-5.10", "2022-05"),)


def test_months_that_the_hub_lacks_do_not_break_a_run() -> None:
    kernels = [*months("a12-5.10", 1, 2, PID), *months("a12-5.10", 9, 9, PID)]
    assert build("app", kernels).layouts[0].kernels == (("android12-5.10", "2022-01 … 2022-09"),)


def test_order_of_the_kernels_changes_nothing() -> None:
    kernels = [*months("a12-5.10", 1, 3, PID), *months("a13-5.10", 1, 3, MOVED)]
    assert build("app", kernels) == build("app", kernels[::-1])


def test_summary_says_where_the_month_does_not_matter() -> None:
    kernels = [
        *months("a12-5.10", 1, 3, PID),
        *months("a13-5.10", 1, 2, MOVED),
        kernel("a14-6.1", PID),
        kernel("a14-6.1-lts", GONE),
    ]
    assert summary(build("app", kernels)) == [
        "1 relocation × 7 kernels: 3 layouts",  # noqa: RUF001
        "2 layouts on android14-6.1: C on 1, A on 1",
        "month-independent on android12-5.10 (layout A)",
        "month-independent on android13-5.10 (layout B)",
        "1 field missing on 1 kernel",
    ]


def test_relocation_that_several_programs_have_is_one_column() -> None:
    again = relocation("byte_off", "task", ".pid", 8, program="other", number=7)
    (column,) = build("app", [kernel("a12-5.10", PID, again)]).columns
    assert (column.name, column.programs) == ("task.pid", ("main", "other"))


def test_columns_of_a_struct_stand_together() -> None:
    other = relocation("byte_off", "file", ".inode", 0)
    tgid = relocation("byte_off", "task", ".tgid", 0)
    columns = build("app", [kernel("a12-5.10", PID, other, tgid)]).columns
    assert [column.name for column in columns] == ["task.pid", "task.tgid", "file.inode"]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (relocation("field_exists", "task", ".pid", 0), "absent"),
        (relocation("field_exists", "task", ".pid", 0, flavour="___new"), "absent"),
        (relocation("type_exists", "task", "", 0), "absent"),
        (relocation("field_exists", "task", ".pi", 0), "missing"),
        (relocation("field_exists", "task", ".pid", 1), "missing"),
        (relocation("field_exists", "file", ".pid", 0), "missing"),
        # Flavours stand for different kernels: the app takes the one that is there.
        (relocation("field_exists", "task", ".since_pid", 1, flavour="___new"), "absent"),
        (relocation("field_exists", "task", ".since_pid", 0, flavour="___new"), "missing"),
        (relocation("field_exists", "task", ".since_pid", 1), "missing"),
    ],
)
def test_what_is_not_there_is_missing_unless_the_app_asks(ask: object, expected: str) -> None:
    assert states(GONE, ask)[0] == expected


def test_field_inside_what_the_app_asks_for_is_absent_with_it() -> None:
    ask = relocation("field_exists", "task", ".info", 0)
    inside = relocation("byte_off", "task", ".info.flags", None)
    element = relocation("byte_off", "task", ".info[1]", None)
    beside = relocation("byte_off", "task", ".information", None)
    assert states(ask, inside, element, beside) == ["absent", "absent", "absent", "missing"]


def test_enumerator_is_absent_where_the_app_asks_for_it() -> None:
    ask = relocation("enumval_exists", "number", "::TWO", 0)
    value = relocation("enumval_value", "number", "::TWO", None)
    other = relocation("enumval_value", "number", "::ONE", None)
    assert states(ask, value, other) == ["absent", "absent", "missing"]


def test_no_is_an_answer_that_does_not_move() -> None:
    yes, no = (relocation("field_exists", "task", ".pid", value) for value in (1, 0))
    report = build("app", [*months("a12-5.10", 1, 2, no), kernel("a13-5.10", yes)])
    assert [row.cells[0].state for row in report.rows] == ["absent", "absent", "same"]
    column = report.columns[0]
    assert [shown(column, row.cells[0]) for row in report.rows] == ["no", "no", "yes"]


def test_reference_is_of_kernels_that_have_the_field() -> None:
    kernels = [*months("a12-5.10", 1, 3, GONE), *months("a13-5.10", 1, 2, PID)]
    report = build("app", [*kernels, kernel("a14-6.1", MOVED)])
    assert [row.cells[0].state for row in report.rows] == [
        *["missing"] * 3,
        *["same"] * 2,
        "moved",
    ]


def test_field_in_doubt_is_unreliable_only_where_the_btf_is_to_blame() -> None:
    doubt = {("task", "pid"): "its kernel was built otherwise"}
    tgid = relocation("byte_off", "task", ".tgid", 12)
    kernels = [kernel("a12-5.10", PID, tgid, doubt=doubt), kernel("a13-5.10", PID, tgid)]
    report = build("app", kernels)
    found = report.found("unreliable")
    assert [(row.name.name, column.name) for row, column, _ in found] == [("a12-5.10", "task.pid")]
    assert found[0][2].unreliable == "its kernel was built otherwise"
    assert "1 field unreliable on 1 kernel" in summary(report)


def test_bitfield_is_shown_with_its_bit() -> None:
    report = build("app", [kernel("a12-5.10", relocation("byte_off", "task", ".flag", 9, bit=3))])
    assert shown(report.columns[0], report.rows[0].cells[0]) == "9.3"


def test_more_layouts_than_letters_have_names() -> None:
    kernels = [
        kernel(f"5.10.{i}-android12-9-x", relocation("byte_off", "task", ".pid", i))
        for i in range(30)
    ]
    names = [layout.name for layout in build("app", kernels).layouts]
    assert names[:2] == ["A", "B"]
    assert names[25:] == ["Z", "AA", "AB", "AC", "AD"]


def test_no_kernels_is_an_error() -> None:
    with pytest.raises(DroidbpfError) as caught:
        build("app", [])
    assert caught.value.message == "there are no kernels to report on"


def table() -> list[Kernel]:
    ask = relocation("field_exists", "task", ".late", 0)
    late = relocation("byte_off", "task", ".late", None)
    doubt = {("task", "pid"): "its kernel was built otherwise"}
    return [
        *months("a12-5.10", 1, 3, PID, ask, late, doubt=doubt),
        kernel("a13-5.10-lts", MOVED, ask, late),
        kernel("a14-6.1", GONE, ask, late),
    ]


def test_text_shows_each_relocation_in_each_layout() -> None:
    assert text(build("app", table()), 60).split("\n") == [
        "app: 3 relocations × 5 kernels: 3 layouts",  # noqa: RUF001
        "month-independent on android12-5.10 (layout A)",
        "1 field missing on 1 kernel",
        "1 field unreliable on 3 kernels",
        "",
        "A   3 kernels  android12-5.10 2022-01 … 2022-03",
        "B    1 kernel  android13-5.10 lts",
        "C    1 kernel  android14-6.1 tip",
        "",
        "                     A       B       C",
        "task",
        "  .pid               8?    *24   !none",
        "  .late exists?    -no     -no     -no",
        "  .late          -none   -none   -none",
        "",
        "* moved: another value than in layout A",
        "! missing: nothing matches, the kernel refuses the program",
        "  that reads it",
        "- absent: nothing matches, and the app asks before",
        "? unreliable: the BTF may have it in a wrong place",
    ]


def test_text_fits_a_narrow_terminal_and_is_coloured_only_if_asked() -> None:
    report = build(
        "app", [kernel(f"5.10.{i}-x", relocation("byte_off", "task", ".pid", i)) for i in range(12)]
    )
    narrow = text(report, 40)
    assert max(map(len, narrow.split("\n"))) <= 40
    assert "\x1b" not in narrow
    assert sum(line == "task" for line in narrow.split("\n")) == 3
    coloured = text(report, 40, colour=True)
    assert "\x1b[33m" in coloured


def test_app_without_relocations_is_alike_everywhere() -> None:
    report = build("app", months("a12-5.10", 1, 2))
    assert text(report).split("\n")[:2] == [
        "app: 0 relocations × 2 kernels: 1 layout",  # noqa: RUF001
        "month-independent on android12-5.10 (layout A)",
    ]


def test_json_holds_the_whole_table() -> None:
    reported = json.loads(json.dumps(document(build("app", table()))))
    assert reported["relocations"][0] == {
        "kind": "byte_off",
        "type": "task",
        "flavour": "",
        "path": ".pid",
        "programs": ["main"],
    }
    assert reported["layouts"][1] == {"name": "B", "kernels": ["a13-5.10-lts"]}
    assert reported["kernels"][0] == {
        "name": "a12-5.10-2022-01",
        "branch": "android12-5.10",
        "month": "2022-01",
        "layout": "A",
        "cells": [
            {"value": 8, "state": "same", "unreliable": "its kernel was built otherwise"},
            {"value": 0, "state": "absent"},
            {"value": None, "state": "absent"},
        ],
    }


def test_failures_name_the_relocation_and_the_kernels() -> None:
    report = build("app", table())
    assert failures(report, "moved") == ["moved: task.pid on a13-5.10-lts"]
    assert failures(report, "missing") == ["missing: task.pid on a14-6.1"]
