"""syscall_mon on real arm64 kernels: what its text, JSON, CSV and summaries tell of the calls."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from syscall_mon_guest import COMM, ENOENT, ENOSYS, KNOWN, Guest

FIELDS = [
    "pid", "tid", "comm", "uid", "abi", "syscall_number", "syscall_name", "syscall_runtime_ns",
    "ret", "timestamp",
]  # fmt: skip
TIMESTAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
HOSTILE = 'a b="\n\\\N{REPLACEMENT CHARACTER},\N{LATIN SMALL LETTER E WITH ACUTE}\x1b['


def test_text_has_a_line_for_each_call(guest: Guest) -> None:
    lines = guest.lines("text")
    assert {line["comm"] for line in lines} == {COMM}
    assert {int(line["pid"]) for line in lines} == {guest.pid("text")}
    calls = Counter((line["name"], int(line["number"])) for line in lines)
    assert calls == {
        ("getpid", 172): 500,
        ("openat", 56): 100,
        ("unknown_480", 480): 50,
        ("nanosleep", 101): 5,
        ("write", 64): 1,  # of what stdio has kept
    }


def test_json_shows_all_of_a_call(guest: Guest) -> None:
    events = guest.events("json")
    pid = guest.pid("json")
    for event in events:
        assert list(event) == FIELDS
        assert (event["pid"], event["tid"], event["uid"]) == (pid, pid, 0)
        assert (event["comm"], event["abi"]) == (COMM, "arm64")
        assert TIMESTAMP.fullmatch(event["timestamp"])
    calls = Counter((event["syscall_name"], event["ret"]) for event in events)
    assert calls["getpid", pid] == 500
    assert calls["openat", -ENOENT] == 100
    assert calls["unknown_480", -ENOSYS] == 50
    assert calls["nanosleep", 0] == 5


def test_timestamps_are_in_the_order_of_the_calls(guest: Guest) -> None:
    stamps = [event["timestamp"] for event in guest.events("json")]
    assert stamps == sorted(stamps)


def test_csv_has_a_header_and_the_same_calls(guest: Guest) -> None:
    rows = list(csv.DictReader(io.StringIO(guest.clean("csv"))))
    assert list(rows[0]) == FIELDS
    calls = Counter(row["syscall_name"] for row in rows)
    assert {name: calls[name] for name in KNOWN} == KNOWN
    assert {row["abi"] for row in rows} == {"arm64"}
    assert all(TIMESTAMP.fullmatch(row["timestamp"]) for row in rows)
    assert {row["ret"] for row in rows if row["syscall_name"] == "openat"} == {f"-{ENOENT}"}


def test_runtimes_are_those_of_the_programs_own_clock(guest: Guest) -> None:
    measured = [int(line.split()[1]) for line in guest.text("json.work").splitlines()[1:]]
    runtimes = [event["syscall_runtime_ns"] for event in guest.named("json", "nanosleep")]
    assert len(measured) == len(runtimes) == 5
    for own, ours in zip(measured, runtimes, strict=True):
        assert 20_000_000 <= ours <= own


def test_summary_is_a_table_and_histograms(guest: Guest) -> None:
    table, *histograms = guest.clean("summary").split("\n\n")
    header, *rows = (line.split() for line in table.splitlines())
    assert header == [
        "syscall",
        "abi",
        "number",
        "count",
        "errors",
        "total_us",
        "mean_us",
        "max_us",
    ]
    counts = {row[0]: (row[1], int(row[3]), int(row[4])) for row in rows}
    assert counts["getpid"] == ("arm64", 500, 0)
    assert counts["openat"] == ("arm64", 100, 100)
    assert counts["unknown_480"] == ("arm64", 50, 50)
    assert counts["nanosleep"] == ("arm64", 5, 0)
    totals = [float(row[5]) for row in rows]
    assert totals == sorted(totals, reverse=True)
    assert [histogram.split()[0] for histogram in histograms] == [row[0] for row in rows]
    for row, histogram in zip(rows, histograms, strict=True):
        found = re.findall(r"^ *\d+ -> \d+ *: (\d+) *\|\**", histogram, re.MULTILINE)
        assert sum(map(int, found)) == int(row[3])


def test_summary_as_json_adds_up(guest: Guest) -> None:
    rows = {row["syscall_name"]: row for row in guest.events("summary-json")}
    assert {name: rows[name]["count"] for name in KNOWN} == KNOWN
    for row in rows.values():
        assert sum(row["histogram_ns"].values()) == row["count"]
        assert row["mean_ns"] == row["total_ns"] // row["count"]
        assert row["mean_ns"] <= row["max_ns"] <= row["total_ns"]
        assert int(list(row["histogram_ns"])[-1]) <= row["max_ns"]
    sleeps = rows["nanosleep"]
    assert sleeps["total_ns"] >= 100_000_000
    assert min(map(int, sleeps["histogram_ns"])) >= 1 << 24


def test_summary_as_csv_says_the_same(guest: Guest) -> None:
    rows = {
        row["syscall_name"]: row for row in csv.DictReader(guest.clean("summary-csv").splitlines())
    }
    assert {name: int(rows[name]["count"]) for name in KNOWN} == KNOWN
    assert rows["openat"]["errors"] == "100"
    for row in rows.values():
        pairs = [pair.split(":") for pair in row["histogram_ns"].split()]
        assert sum(int(count) for _, count in pairs) == int(row["count"])


def test_summary_of_a_count_is_of_exactly_so_many(guest: Guest) -> None:
    (row,) = guest.events("summary-count")
    assert (row["syscall_name"], row["count"], row["errors"]) == ("getpid", 50, 0)


def test_a_hostile_comm_cannot_break_a_text_line(guest: Guest) -> None:
    comms = {line["comm"] for line in guest.lines("hostile-text")}
    assert comms == {r"a\x20b\x3d\x22\x0a\x5c\xff,\xc3\xa9\x1b["}


def test_a_hostile_comm_is_a_json_string(guest: Guest) -> None:
    assert [event["comm"] for event in guest.events("hostile-json")] == [HOSTILE] * 5
    assert guest.files["hostile-json.out"].count(b"\n") == 5


def test_a_hostile_comm_is_one_csv_field(guest: Guest) -> None:
    rows = list(csv.DictReader(io.StringIO(guest.clean("hostile-csv"))))
    assert [row["comm"] for row in rows] == [r'a b="\x0a\x5c\xff,\xc3\xa9\x1b['] * 5
    assert guest.files["hostile-csv.out"].count(b"\n") == 6
