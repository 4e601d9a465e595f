"""proc_mon on real arm64 kernels: its filters, how it starts and ends, and what it refuses."""

from __future__ import annotations

import re

import guests
import pytest
from proc_mon_guest import COMM, Guest


@pytest.mark.parametrize(("case", "kinds"), [("exec", ["exec"]), ("exit", ["exit"])])
def test_events_are_chosen_by_kind(proc_guest: Guest, case: str, kinds: list[str]) -> None:
    assert {event["event"] for event in proc_guest.events(case)} == set(kinds)
    assert [event["event"] for event in proc_guest.of(case, "exit0")] == kinds


def test_several_kinds_are_shown(proc_guest: Guest) -> None:
    events = [event["event"] for event in proc_guest.of("kinds", "exit0")]
    assert events == ["exec", "exit"]


def test_comm_shows_only_processes_of_that_name(proc_guest: Guest) -> None:
    pid = proc_guest.children("comm")["exit0"].pid
    events = proc_guest.events("comm")
    assert [(e["event"], e["pid"], e["comm"]) for e in events] == [
        ("exec", pid, "evil2"),
        ("exit", pid, "evil2"),
    ]


def test_uid_shows_only_that_user(proc_guest: Guest) -> None:
    pid = proc_guest.children("uid")["user"].pid
    events = proc_guest.events("uid")
    assert [(e["event"], e["pid"], e["uid"]) for e in events] == [
        ("exec", pid, 12345),
        ("exit", pid, 12345),
    ]


def test_filters_of_different_kinds_must_all_match(proc_guest: Guest) -> None:
    assert proc_guest.clean("both") == ""


def test_parent_shows_only_its_children(proc_guest: Guest) -> None:
    shell = int(proc_guest.text("parent.pid"))
    events = proc_guest.events("parent")
    assert {event["ppid"] for event in events} == {shell}
    child = proc_guest.children("parent")["other"]
    assert child.ppid in {event["pid"] for event in events}
    assert child.pid not in {event["pid"] for event in events}


def test_a_process_is_shown_alone_and_its_end_ends_it(proc_guest: Guest) -> None:
    pid = int(proc_guest.text("pid.pid"))
    events = [(event["event"], event["pid"]) for event in proc_guest.events("pid")]
    assert events == [("exec", pid), ("exit", pid)]
    assert proc_guest.events("pid")[-1]["exit_code"] == 4


def test_count_ends_after_exactly_so_many_events(proc_guest: Guest) -> None:
    lines = proc_guest.clean("count").splitlines()
    assert [line.split()[0] for line in lines] == [f"id={i}" for i in range(1, 6)]


def test_duration_ends_it(proc_guest: Guest) -> None:
    proc_guest.clean("duration")
    begin, end = (float(proc_guest.text(f"duration.{moment}")) for moment in ("begin", "end"))
    assert 1.5 <= end - begin < 6.0


def test_a_signal_ends_it_cleanly(proc_guest: Guest) -> None:
    assert proc_guest.clean("terminated").count(f"comm={COMM}") >= 2


def test_a_closed_pipe_ends_it_quietly(proc_guest: Guest) -> None:
    assert proc_guest.clean("no-reader") == ""


def test_a_failing_stdout_is_an_error(proc_guest: Guest) -> None:
    assert proc_guest.text("full.status") == "1\n"
    assert proc_guest.text("full.err") == "proc_mon: stdout: No space left on device\n"


def test_lost_events_are_counted_and_reported(proc_guest: Guest) -> None:
    assert proc_guest.text("lost.status") == "0\n"
    lost = re.fullmatch(
        r"proc_mon: lost (\d+) events: the ring buffer was full \(try -b 8\)\n",
        proc_guest.text("lost.err"),
    )
    assert lost
    shown = proc_guest.text("lost.out").splitlines()
    assert len(shown) + int(lost[1]) >= 301  # the children and their parent
    assert int(lost[1]) > 290


def test_the_default_buffer_loses_nothing(proc_guest: Guest) -> None:
    lines = proc_guest.clean("flood").splitlines()
    assert len([line for line in lines if f"comm={COMM}" in line]) == 301


def test_it_does_not_run_where_process_ids_are_others(proc_guest: Guest) -> None:
    assert proc_guest.text("namespace.err") == (
        "proc_mon: cannot run in a PID namespace: run it on the host, or with --pid=host\n"
    )
    assert proc_guest.text("namespace.status") == "1\n"


def test_without_root_it_says_so(proc_guest: Guest) -> None:
    if "nobtf" in proc_guest.name:
        pytest.skip("it does not come so far without BTF")
    message = "proc_mon: not permitted to load BPF programs: run it as root\n"
    assert proc_guest.text("not-root.err") == message
    assert proc_guest.text("not-root.status") == "1\n"


def test_without_tracefs_it_says_what_to_do(proc_guest: Guest) -> None:
    message = "proc_mon: no tracefs: mount -t tracefs tracefs /sys/kernel/tracing\n"
    assert proc_guest.text("no-tracefs.err") == message
    assert proc_guest.text("no-tracefs.status") == "1\n"


def test_version_and_help_are_printed(proc_guest: Guest) -> None:
    assert proc_guest.clean("version") == "proc_mon 0.1.0\n"
    text = proc_guest.clean("help")
    for option in ("pid", "parent", "comm", "uid", "event", "deny", "duration", "count", "output"):
        assert f"--{option}=" in text
    for option in ("container", "buffer", "btf", "ready-fd", "verbose"):
        assert f"--{option}" in text


def test_verbose_shows_what_libbpf_does(proc_guest: Guest) -> None:
    assert proc_guest.text("verbose.status") == "0\n"
    assert "libbpf: loading object 'proc_mon' from buffer" in proc_guest.text("verbose.err")


BAD = {
    "word": "unexpected argument 'word'",
    "--deny comm": "bad rule 'comm': expected comm=NAME, path=PATH or cgroup=CGROUP",
    "--deny name=x": "bad rule 'name=x': expected comm=NAME, path=PATH or cgroup=CGROUP",
    "--deny comm=": "bad rule 'comm=': it has no value",
    "--deny comm=1234567890123456": (
        "bad rule 'comm=1234567890123456': a process name has at most 15 bytes"
    ),
    "--deny path=x": "bad rule 'path=x': expected an absolute path",
    "--deny path=/": "bad rule 'path=/': it would deny everything",
    "--deny cgroup=//": "bad rule 'cgroup=//': it would deny everything",
    "--deny cgroup=a/b": (
        "bad rule 'cgroup=a/b': expected an absolute path, or a name without '/'"
    ),
    "-p 4000000": "no such process: 4000000",
    "-p 0": "bad process ID '0': expected a number from 1 to 2147483647",
    "-p 12x": "bad process ID '12x': expected a number from 1 to 2147483647",
    "-P 4000000": "no such process: 4000000",
    "-c 1234567890123456": "bad comm '1234567890123456': a process name has at most 15 bytes",
    "-c ": "bad comm '': expected a name",
    "-u 4294967295": "bad user ID '4294967295': expected a number from 0 to 4294967294",
    "-u root": "bad user ID 'root': expected a number from 0 to 4294967294",
    "-e fork": "bad event 'fork': expected exec, exit or deny",
    "-e ": "bad event '': expected exec, exit or deny",
    "-d 0": "bad duration '0': expected more than 0 seconds",
    "-d 1s": "bad duration '1s': expected a number from 0 to 100000000",
    "-n 0": "bad count '0': expected a number from 1 to 9223372036854775807",
    "-n ": "bad count '': expected a number from 1 to 9223372036854775807",
    "-o xml": "bad output format 'xml': expected text, json or csv",
    "-b 0": "bad buffer size '0': expected a number from 1 to 1048576",
    "--ready-fd 77": "bad file descriptor 77: Bad file descriptor",
}


@pytest.mark.parametrize("options", BAD)
def test_a_bad_request_gets_one_clear_line(proc_guest: Guest, options: str) -> None:
    assert proc_guest.refusals()[options] == f"proc_mon: {BAD[options]}\n"


@pytest.mark.parametrize("options", ["--dney comm=x", "--deny"])
def test_an_option_that_is_none_is_refused(proc_guest: Guest, options: str) -> None:
    assert proc_guest.refusals()[options].startswith("proc_mon: ")


def test_there_are_64_rules_at_most(proc_guest: Guest) -> None:
    message = "proc_mon: bad rule 'comm=x': there are already 64 rules, the maximum\n"
    assert (proc_guest.text("too-many.err"), proc_guest.text("too-many.status")) == (message, "1\n")


def test_a_rule_is_not_cut(proc_guest: Guest) -> None:
    assert proc_guest.text("too-long.err").endswith(": its value is longer than 253 bytes\n")
    assert proc_guest.text("too-long.status") == "1\n"


def test_the_program_is_at_most_1200_kb(proc_guest: Guest) -> None:
    assert (guests.APPS / "proc_mon/proc_mon").stat().st_size <= 1_200_000
