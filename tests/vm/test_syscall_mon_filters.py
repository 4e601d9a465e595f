"""syscall_mon on real arm64 kernels: which syscalls, processes, threads and users it shows."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from syscall_mon_guest import COMM, ECHILD, ENOENT, ENOSYS, KNOWN, Guest


def test_syscalls_are_chosen_by_name(guest: Guest) -> None:
    calls = Counter(line["name"] for line in guest.lines("names"))
    assert calls == {"openat": 100, "nanosleep": 5}


def test_syscalls_are_chosen_by_number(guest: Guest) -> None:
    calls = Counter(line["name"] for line in guest.lines("number"))
    assert calls == {"getpid": 500}


def test_syscalls_are_excluded_by_name_and_number(guest: Guest) -> None:
    calls = Counter(line["name"] for line in guest.lines("excluded"))
    assert (calls["openat"], calls["nanosleep"]) == (100, 5)
    assert not {"getpid", "unknown_480"} & set(calls)


def test_an_exclusion_goes_before_an_inclusion(guest: Guest) -> None:
    calls = Counter(line["name"] for line in guest.lines("mixed"))
    assert calls == {"getpid": 500}


def test_min_us_shows_only_what_took_as_long(guest: Guest) -> None:
    events = guest.events("slow")
    assert len([event for event in events if event["syscall_name"] == "nanosleep"]) == 5
    assert all(event["syscall_runtime_ns"] >= 15_000_000 for event in events)


def test_failed_shows_only_errors(guest: Guest) -> None:
    calls = Counter((event["syscall_name"], event["ret"]) for event in guest.events("failed"))
    assert calls == {("openat", -ENOENT): 100, ("unknown_480", -ENOSYS): 50}


def test_a_process_means_all_its_threads(guest: Guest) -> None:
    calls = Counter(event["tid"] for event in guest.named("threads", "getppid"))
    pid, *tids = map(int, guest.text("threads.work").split()[1:])
    assert calls == {tid: 100 * number for number, tid in enumerate(tids, start=1)}
    assert {event["pid"] for event in guest.events("threads")} == {pid}
    assert [event["tid"] for event in guest.named("threads", "getuid")] == [pid] * 10


def test_a_thread_is_shown_alone(guest: Guest) -> None:
    events = guest.events("tid")
    tid = int(guest.text("tid.tid"))
    assert {event["tid"] for event in events} == {tid}
    assert {event["pid"] for event in events} == {guest.pid("tid")}
    assert Counter(event["syscall_name"] for event in events)["getppid"] == 100


def test_several_processes_are_shown(guest: Guest) -> None:
    calls = Counter(event["pid"] for event in guest.events("processes"))
    workload, shell = map(int, guest.text("processes.pids").split())
    assert set(calls) == {workload, shell}
    assert calls[workload] >= sum(KNOWN.values())


@pytest.mark.parametrize("case", ["comm", "comms"])
def test_comm_shows_only_threads_of_that_name(guest: Guest, case: str) -> None:
    events = guest.events(case)
    assert {event["comm"] for event in events} == {COMM}
    assert {event["pid"] for event in events} == {guest.pid(case)}
    calls = Counter(event["syscall_name"] for event in events)
    assert {name: calls[name] for name in KNOWN} == KNOWN


@pytest.mark.parametrize("case", ["uid", "uids"])
def test_uid_shows_only_that_user(guest: Guest, case: str) -> None:
    events = guest.events(case)
    assert {event["uid"] for event in events} == {12345}
    assert Counter(event["syscall_name"] for event in events)["getpid"] == 60


def test_filters_of_different_kinds_must_all_match(guest: Guest) -> None:
    assert guest.clean("other-user") == ""


def test_32_bit_processes_are_named_by_their_own_table(guest: Guest) -> None:
    events = guest.events("compat")
    assert {event["abi"] for event in events} == {"arm"}
    calls = Counter((event["syscall_number"], event["syscall_name"]) for event in events)
    assert calls[221, "fcntl64"] == 40  # execve of arm64
    assert calls[280, "waitid"] == 30  # bpf of arm64
    assert calls[20, "getpid"] == 20  # epoll_create1 of arm64
    assert calls[0x0F0005, "set_tls"] == 10


def test_errors_of_32_bit_processes_are_negative_and_addresses_are_not(guest: Guest) -> None:
    assert {event["ret"] for event in guest.named("compat", "waitid")} == {-ECHILD}
    assert [event["ret"] for event in guest.named("compat", "mmap2")] == [0x90000000]
    calls = Counter(event["syscall_name"] for event in guest.events("compat-failed"))
    assert calls == {"waitid": 30}


@pytest.mark.parametrize("case", ["compat-number", "compat-name"])
def test_32_bit_syscalls_are_chosen_by_number_and_name(guest: Guest, case: str) -> None:
    assert Counter(event["syscall_name"] for event in guest.events(case)) == {"fcntl64": 40}


def test_it_does_not_trace_itself(guest: Guest) -> None:
    own = int(guest.text("others.pid"))
    events = guest.events("others")
    assert events
    assert own not in {event["pid"] for event in events}


def test_it_traces_itself_if_asked(guest: Guest) -> None:
    assert [line["comm"] for line in guest.lines("itself")] == ["syscall_mon"] * 3


def test_process_ids_are_those_of_its_own_namespace(guest: Guest) -> None:
    pid = int(guest.text("namespace.pid"))
    assert pid < 20
    assert guest.text("namespace.status") == "0\n"
    events = [json.loads(line) for line in guest.text("namespace.out").splitlines()]
    assert {(event["pid"], event["tid"]) for event in events} == {(pid, pid)}
