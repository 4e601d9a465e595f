"""syscall_mon on real arm64 kernels: how it starts and ends; no call is lost or mixed up."""

from __future__ import annotations

import re
import struct
from collections import Counter

import pytest
from elftools.elf.elffile import ELFFile
from guests import APPS
from syscall_mon_guest import KNOWN, Guest


def test_the_bpf_object_has_no_co_re_relocation(guest: Guest) -> None:
    with (APPS / "syscall_mon/syscall_mon.bpf.o").open("rb") as file:
        section = ELFFile(file).get_section_by_name(".BTF.ext")
        # struct btf_ext_header of libbpf: core_relo_len is its eighth word
        assert struct.unpack_from("<8I", section.data())[7] == 0


def test_the_program_is_at_most_1200_kb(guest: Guest) -> None:
    assert (APPS / "syscall_mon/syscall_mon").stat().st_size <= 1_200_000


def test_the_guest_is_as_it_should_be(guest: Guest) -> None:
    assert ("vmlinux" in guest.text("btf.out")) == guest.has_btf
    assert not re.search("tracefs|debugfs", guest.text("mounts.out"))  # it needs neither


def test_count_ends_after_exactly_so_many_events(guest: Guest) -> None:
    assert len(guest.lines("count")) == 7


@pytest.mark.parametrize("case", ["exec", "hash-exec"])
def test_an_execve_by_any_thread_ends_under_the_processs_id(guest: Guest, case: str) -> None:
    pid = guest.pid(case)
    (event,) = guest.named(case, "execve")
    assert (event["pid"], event["tid"], event["ret"]) == (pid, pid, 0)
    assert len([e for e in guest.named(case, "getpid") if e["ret"] == pid]) == 500


@pytest.mark.parametrize("case", ["children", "hash-children"])
def test_what_never_exits_is_not_shown_and_ends_no_other_call(guest: Guest, case: str) -> None:
    events = guest.events(case)
    calls = Counter(event["syscall_name"] for event in events)
    assert calls["clone"] == calls["wait4"] == 200
    assert not {"exit", "exit_group"} & set(calls)
    assert max(event["syscall_runtime_ns"] for event in events) < 5_000_000_000


def test_more_thread_ids_than_an_array_holds_change_nothing(guest: Guest) -> None:
    calls = Counter(event["syscall_name"] for event in guest.events("hash"))
    assert {name: calls[name] for name in KNOWN} == KNOWN


def test_lost_events_are_counted_and_reported(guest: Guest) -> None:
    assert guest.text("lost.status") == "0\n"
    lost = re.fullmatch(
        r"syscall_mon: lost (\d+) events: the ring buffer was full \(try -b 8\)\n",
        guest.text("lost.err"),
    )
    assert lost
    assert len(guest.text("lost.out").splitlines()) + int(lost[1]) == 20000
    assert int(lost[1]) > 19000


def test_the_default_buffer_loses_nothing(guest: Guest) -> None:
    assert len(guest.lines("flood")) == 20000


def test_duration_ends_it(guest: Guest) -> None:
    assert guest.lines("duration")
    begin, end = (float(guest.text(f"duration.{moment}")) for moment in ("begin", "end"))
    assert 1.5 <= end - begin < 4.0


@pytest.mark.parametrize("case", ["signal-INT", "signal-TERM"])
def test_a_signal_ends_it_cleanly(guest: Guest, case: str) -> None:
    assert guest.lines(case)


def test_a_closed_pipe_ends_it_quietly(guest: Guest) -> None:
    assert len(guest.lines("head")) == 3


def test_a_pipe_closed_before_the_first_event_ends_it_quietly(guest: Guest) -> None:
    assert guest.clean("no-reader") == ""


def test_a_failing_stdout_is_an_error(guest: Guest) -> None:
    assert guest.text("full.status") == "1\n"
    assert guest.text("full.err") == "syscall_mon: stdout: No space left on device\n"


def test_without_root_it_says_so(guest: Guest) -> None:
    message = "syscall_mon: not permitted to load BPF programs: run it as root\n"
    assert guest.text("not-root.err") == message
    assert (guest.text("not-root.status"), guest.text("not-root.out")) == ("1\n", "")


def test_version_and_help_are_printed(guest: Guest) -> None:
    assert guest.clean("version") == "syscall_mon 0.1.0\n"
    text = guest.clean("help")
    for option in ("pid", "tid", "comm", "uid", "syscall", "min-us", "failed", "duration", "count"):
        assert f"--{option}=" in text or f"--{option} " in text
    for option in ("summary", "output", "buffer", "ready-fd", "verbose"):
        assert f"--{option}" in text


def test_verbose_shows_what_libbpf_does(guest: Guest) -> None:
    assert guest.text("verbose.status") == "0\n"
    assert "libbpf: loading object 'syscall_mon' from buffer" in guest.text("verbose.err")


BAD = {
    "word": "unexpected argument 'word'",
    "-p 4000000": "no such process: 4000000",
    "-p 0": "bad process ID '0': expected a number from 1 to 2147483647",
    "-p 12x": "bad process ID '12x': expected a number from 1 to 2147483647",
    "-p -1": "bad process ID '-1': expected a number from 1 to 2147483647",
    "-t 4000000": "no such thread: 4000000",
    "-c 1234567890123456": "bad comm '1234567890123456': a thread name has at most 15 bytes",
    "-u 4294967295": "bad user ID '4294967295': expected a number from 0 to 4294967294",
    "-u root": "bad user ID 'root': expected a number from 0 to 4294967294",
    "-s opennat": "unknown syscall 'opennat': did you mean 'openat'?",
    "-s !getpdi": "unknown syscall 'getpdi': did you mean 'getpid'?",
    "-s zzzzzzzzzzzzzzzzzzzzzzzzzzzzz": "unknown syscall 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzz'",
    "-s ": "unknown syscall ''",
    "-s 9999": "no syscall has number 9999",
    "-s -1": "unknown syscall '-1'",
    "-m -5": "bad time '-5': expected a number from 0 to 1000000000000",
    "-m 1e3": "bad time '1e3': expected a number from 0 to 1000000000000",
    "-d 0": "bad duration '0': expected more than 0 seconds",
    "-d 1s": "bad duration '1s': expected a number from 0 to 100000000",
    "-d nan": "bad duration 'nan': expected a number from 0 to 100000000",
    "-n 0": "bad count '0': expected a number from 1 to 9223372036854775807",
    "-n 99999999999999999999": (
        "bad count '99999999999999999999': expected a number from 1 to 9223372036854775807"
    ),
    "-o xml": "bad output format 'xml': expected text, json or csv",
    "-b 0": "bad buffer size '0': expected a number from 1 to 1048576",
    "--ready-fd 77": "bad file descriptor 77: Bad file descriptor",
}


@pytest.mark.parametrize("options", BAD)
def test_a_bad_request_gets_one_clear_line(guest: Guest, options: str) -> None:
    assert guest.refusals()[options] == f"syscall_mon: {BAD[options]}\n"


def test_a_thread_is_not_taken_for_a_process(guest: Guest) -> None:
    pid, tid = guest.text("bad-thread.ids").split()
    assert guest.text("bad-thread.err") == (
        f"syscall_mon: no such process: {tid} is a thread of process {pid}\n"
    )
    assert guest.text("bad-thread.status") == "1\n"
