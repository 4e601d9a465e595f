"""proc_mon on real arm64 kernels: what it tells of processes that begin and end."""

from __future__ import annotations

import csv
import io
import os
import re
from typing import Any

import pytest
from proc_mon_guest import COMM, PATH, Guest

FIELDS = [
    "id", "event", "uid", "gid", "container", "ppid", "pid", "comm", "path", "state", "signal",
    "exit_code", "duration_ms", "rule", "cgroup", "timestamp",
]  # fmt: skip
LINE = re.compile(
    r"id=(?P<id>\d+) event=(?P<event>\w+) uid=(?P<uid>\d+) gid=(?P<gid>\d+)"
    r" container=(?P<container>[!-~]+) ppid=(?P<ppid>\d+) pid=(?P<pid>\d+) comm=(?P<comm>[!-~]*)"
    r"( path=(?P<path>[!-~]+))? state=(?P<state>\w+)( signal=(?P<signal>\d+))?"
    r"( exit_code=(?P<exit_code>\d+))? duration_ms=(?P<duration>\d+\.\d{3})"
)
TIMESTAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
HOSTILE = 'a b="\n\\\N{REPLACEMENT CHARACTER},\N{LATIN SMALL LETTER E WITH ACUTE}\x1b['
STRANGE = '/t/a path="x, y'
ENDS = [
    "exit0", "exit3", "exit255", "sleep", "segv", "sigkill", "sigterm", "core", "user",
    "exit-by-thread", "exec-by-thread", "thread-last", "threads-end", "relative", "fd", "memfd",
    "link", "hostile", "script", "strange", "long", "mounted",
]  # fmt: skip


def told_by_wait(status: int) -> dict[str, Any]:
    """Return the expected fields of an exit event for a status of wait()."""
    if os.WIFEXITED(status):
        return {"state": "exited", "signal": None, "exit_code": os.WEXITSTATUS(status)}
    state = "dumped" if os.WCOREDUMP(status) else "killed"
    signal = os.WTERMSIG(status)
    return {"state": state, "signal": signal, "exit_code": 128 + signal}


@pytest.mark.parametrize("label", ENDS)
def test_the_end_of_a_process_is_what_wait_says(proc_guest: Guest, label: str) -> None:
    child = proc_guest.children("json")[label]
    end = proc_guest.end("json", label)
    assert {name: end[name] for name in ("state", "signal", "exit_code")} == told_by_wait(
        child.status
    )
    assert end["ppid"] == child.ppid


@pytest.mark.parametrize(
    ("label", "state", "signal", "exit_code"),
    [
        ("exit0", "exited", None, 0),
        ("exit3", "exited", None, 3),
        ("exit255", "exited", None, 255),
        ("segv", "killed", 11, 139),
        ("sigkill", "killed", 9, 137),
        ("sigterm", "killed", 15, 143),
        ("exit-by-thread", "exited", None, 21),
        ("exec-by-thread", "exited", None, 22),
        ("thread-last", "exited", None, 23),
    ],
)
def test_exit_codes_and_signals_are_right(
    proc_guest: Guest, label: str, state: str, signal: int | None, exit_code: int
) -> None:
    end = proc_guest.end("json", label)
    assert (end["state"], end["signal"], end["exit_code"]) == (state, signal, exit_code)


def test_a_core_dump_shows_where_the_kernel_makes_one(proc_guest: Guest) -> None:
    dumped = os.WCOREDUMP(proc_guest.children("json")["core"].status)
    end = proc_guest.end("json", "core")
    assert (end["state"], end["signal"]) == ("dumped" if dumped else "killed", 6)


@pytest.mark.parametrize("label", ENDS)
def test_a_process_begins_running_under_its_parent(proc_guest: Guest, label: str) -> None:
    child = proc_guest.children("json")[label]
    begin, *_, end = proc_guest.of("json", label)
    assert (begin["event"], begin["state"], begin["ppid"]) == ("exec", "running", child.ppid)
    assert (begin["signal"], begin["exit_code"], begin["rule"]) == (None, None, None)
    assert end["event"] == "exit"


@pytest.mark.parametrize("label", ENDS)
def test_durations_are_within_those_of_the_parents_own_clock(proc_guest: Guest, label: str) -> None:
    child = proc_guest.children("json")[label]
    durations = [event["duration_ms"] for event in proc_guest.of("json", label)]
    assert durations == sorted(durations)
    assert durations[0] > 0
    assert durations[-1] <= child.ns / 1e6


def test_the_duration_of_a_sleep_is_at_least_its_time(proc_guest: Guest) -> None:
    begin, end = proc_guest.of("json", "sleep")
    assert end["duration_ms"] - begin["duration_ms"] >= 150


def test_uid_and_gid_are_those_of_the_moment(proc_guest: Guest) -> None:
    events = proc_guest.of("json", "user")
    ids = [(event["event"], event["uid"], event["gid"]) for event in events]
    assert ids == [("exec", 0, 0), ("exec", 12345, 23456), ("exit", 12345, 23456)]


@pytest.mark.parametrize(
    ("label", "comm", "path"),
    [
        ("exit0", COMM, PATH),
        ("relative", COMM, PATH),
        ("fd", None, PATH),
        ("memfd", None, "/memfd:in memory"),
        ("link", "true", "/bin/true"),
        ("script", "script.sh", "/t/script.sh"),
        ("strange", STRANGE[3:], STRANGE),
        ("long", "long", "/t/" + "/".join(str(i) * 30 for i in range(1, 7)) + "/long"),
        ("mounted", "there", "/t/mounted/deep/there"),
    ],
)
def test_comm_and_path_are_those_of_the_program(
    proc_guest: Guest, label: str, comm: str | None, path: str
) -> None:
    for event in proc_guest.of("json", label)[-2:]:
        assert event["path"] == path
        assert comm is None or event["comm"] == comm


def test_a_child_that_never_calls_exec_has_its_parents_path(proc_guest: Guest) -> None:
    child = proc_guest.children("json")["fork-child"]
    (event,) = proc_guest.of("json", "fork-child")
    assert (event["event"], event["ppid"], event["path"]) == ("exit", child.ppid, PATH)
    assert event["exit_code"] == 7


def test_an_orphans_parent_is_the_one_it_has_then(proc_guest: Guest) -> None:
    (event,) = proc_guest.of("json", "orphan-child")
    assert (event["ppid"], event["exit_code"]) == (1, 9)


def test_a_process_from_before_has_its_path_too(proc_guest: Guest) -> None:
    (event,) = proc_guest.events("before")
    assert event["pid"] == int(proc_guest.text("before.pid"))
    assert (event["comm"], event["path"], event["exit_code"]) == (COMM, PATH, 12)


def test_threads_are_no_processes_and_a_process_ends_once(proc_guest: Guest) -> None:
    ends = [event["pid"] for event in proc_guest.events("race")]
    children = [int(line.split()[2]) for line in proc_guest.text("race.work").splitlines()]
    assert len(children) == 20
    assert [ends.count(child) for child in children] == [1] * 20
    for label in ("exit-by-thread", "exec-by-thread", "thread-last", "threads-end"):
        events = [event["event"] for event in proc_guest.of("json", label)]
        assert events.count("exit") == 1


def test_ids_count_the_events(proc_guest: Guest) -> None:
    events = proc_guest.events("json")
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_json_has_all_fields_in_the_order_of_time(proc_guest: Guest) -> None:
    events = proc_guest.events("json")
    for event in events:
        assert list(event) == FIELDS
        assert TIMESTAMP.fullmatch(event["timestamp"])
        assert event["container"] == "host"


def test_a_hostile_comm_is_a_json_string(proc_guest: Guest) -> None:
    assert proc_guest.end("json", "hostile")["comm"] == HOSTILE


def test_text_has_a_line_for_each_event(proc_guest: Guest) -> None:
    found = [LINE.fullmatch(line) for line in proc_guest.clean("text").splitlines()]
    lines = [line for line in found if line]
    assert len(lines) == len(found)
    children = proc_guest.children("text")
    ends = {int(line["pid"]): line for line in lines if line["event"] == "exit"}
    exited, killed = ends[children["exit3"].pid], ends[children["sigkill"].pid]
    assert (exited["state"], exited["signal"], exited["exit_code"]) == ("exited", None, "3")
    assert (killed["state"], killed["signal"], killed["exit_code"]) == ("killed", "9", "137")
    hostile, strange = ends[children["hostile"].pid], ends[children["strange"].pid]
    assert hostile["comm"] == r"a\x20b\x3d\x22\x0a\x5c\xff,\xc3\xa9\x1b["
    assert strange["path"] == r"/t/a\x20path\x3d\x22x,\x20y"
    assert ends[children["docker"].pid]["container"] == "3f4e5d6c7b8a"
    assert {line["state"] for line in lines if line["event"] == "exec"} == {"running"}


def test_csv_has_a_header_and_the_same_events(proc_guest: Guest) -> None:
    rows = list(csv.DictReader(io.StringIO(proc_guest.clean("csv"))))
    assert list(rows[0]) == FIELDS
    children = proc_guest.children("csv")
    ends = {int(row["pid"]): row for row in rows if row["event"] == "exit"}
    exited, killed = ends[children["exit3"].pid], ends[children["sigkill"].pid]
    assert (exited["state"], exited["signal"], exited["exit_code"]) == ("exited", "", "3")
    assert (killed["state"], killed["signal"], killed["exit_code"]) == ("killed", "9", "137")
    assert ends[children["hostile"].pid]["comm"] == r'a b="\x0a\x5c\xff,\xc3\xa9\x1b['
    assert ends[children["strange"].pid]["path"] == STRANGE
    assert len(ends[children["docker"].pid]["container"]) == 64
    assert all(TIMESTAMP.fullmatch(row["timestamp"]) for row in rows)
