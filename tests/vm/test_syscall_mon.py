"""syscall_mon on real arm64 kernels, with and without kernel BTF: every option, on real output.

One boot per kernel runs syscall_mon_cases.sh; each test looks at what one of its cases left.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from vm import kernels, machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLANG = next(filter(shutil.which, (f"clang-{n}" for n in range(30, 10, -1))), "clang")
BUILT = ROOT / "build/arm64-gnu/apps/syscall_mon"
# A kernel like android12-5.10's: built without BTF and without syscall tracepoints.
NOBTF = ("android12-5.10", True)
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
NOBTF_IMAGE = ASSETS / "kernels/android12-5.10-nobtf/Image.gz"

LINE = re.compile(
    r"pid=(?P<pid>\d+) comm=(?P<comm>[!-~]*) syscall_number=(?P<number>-?\d+)"
    r" syscall_name=(?P<name>\w+) syscall_runtime_ns=(?P<runtime>\d+)"
)
FIELDS = [
    "pid", "tid", "comm", "uid", "abi", "syscall_number", "syscall_name", "syscall_runtime_ns",
    "ret", "timestamp",
]  # fmt: skip
TIMESTAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
COMM = "syscall_workloa"  # 15 bytes of the program's name
HOSTILE = 'a b="\n\\\N{REPLACEMENT CHARACTER},\N{LATIN SMALL LETTER E WITH ACUTE}\x1b['
KNOWN = {"getpid": 500, "openat": 100, "unknown_480": 50, "nanosleep": 5}
ENOENT, ECHILD, ENOSYS = 2, 10, 38


@dataclass(frozen=True)
class Guest:
    """What the cases left in one guest."""

    files: dict[str, bytes]
    has_btf: bool

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def clean(self, case: str) -> str:
        """Give the output of a case that ended well and said nothing on stderr."""
        assert self.text(f"{case}.err") == ""
        assert self.text(f"{case}.status") == "0\n"
        return self.text(f"{case}.out")

    def events(self, case: str) -> list[dict[str, Any]]:
        """Give the JSON events of a case that ended well."""
        return [json.loads(line) for line in self.clean(case).splitlines()]

    def named(self, case: str, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events(case) if event["syscall_name"] == name]

    def lines(self, case: str) -> list[re.Match[str]]:
        """Give the text events of a case that ended well; each line has exactly the form."""
        found = [LINE.fullmatch(line) for line in self.clean(case).splitlines()]
        matches = [match for match in found if match]
        assert len(matches) == len(found)
        return matches

    def pid(self, case: str) -> int:
        """Give the process ID that the traced program told."""
        return int(self.text(f"{case}.work").split()[1])


def _compile(folder: Path) -> dict[str, Path]:
    """Give the programs that are traced."""
    workload, compat = folder / "syscall_workload", folder / "compat_workload"
    gcc = ["aarch64-linux-gnu-gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
    subprocess.run([*gcc, HERE / "syscall_workload.c", "-o", workload], check=True)
    clang = [CLANG, "--target=arm-linux-gnueabi", "-march=armv7-a", "-marm", "-O1", "-Wall"]
    clang += ["-Werror", "-ffreestanding", "-fno-pic", "-c", "-o", f"{compat}.o"]
    subprocess.run([*clang, HERE / "compat_workload.c"], check=True)
    linker = ["aarch64-linux-gnu-ld", "-m", "armelf_linux_eabi", f"{compat}.o", "-o", compat]
    subprocess.run(linker, check=True)
    return {f"/bin/{path.name}": path for path in (workload, compat)}


def _build() -> None:
    build = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "app=syscall_mon"]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _boot(kernel: str, hide_btf: bool, folder: Path) -> bytes:
    """Give the archive that the cases print."""
    files = {
        "/cases.sh": HERE / "syscall_mon_cases.sh",
        "/bin/syscall_mon": BUILT / "syscall_mon",
        **_compile(folder),
    }
    image = str(NOBTF_IMAGE) if kernel == NOBTF[0] else kernel
    results = machine.run(
        kernels.kernel(image), [["sh", "/cases.sh"]], files, timeout_s=300, hide_btf=hide_btf
    )
    assert results[0].status == 0, results[0].stderr.decode()
    return results[0].stdout


@pytest.fixture(
    scope="module",
    params=[*((name, hide) for name in ("5.10", "6.1", "6.12") for hide in (False, True)), NOBTF],
    ids=lambda param: f"{param[0]}-{'without' if param[1] else 'with'}-btf",
)
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases did in one guest; workers of pytest-xdist share it."""
    for tool in ("qemu-system-aarch64", "aarch64-linux-gnu-gcc", CLANG):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    kernel, hide_btf = request.param
    if kernel == NOBTF[0] and not NOBTF_IMAGE.is_file():
        pytest.skip(f"no {NOBTF_IMAGE}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    archive = folder / f"syscall_mon-{kernel}-{hide_btf}.tar"
    with _locked(archive.with_suffix(".lock")):
        if not archive.exists():
            with _locked(folder / "syscall_mon-build.lock"):
                _build()
            archive.write_bytes(_boot(kernel, hide_btf, tmp_path_factory.mktemp("programs")))
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            data = tar.extractfile(member) if member.isfile() else None
            if data:
                files[member.name.removeprefix("./")] = data.read()
    return Guest(files, not hide_btf)


def test_the_bpf_object_has_no_co_re_relocation(guest: Guest) -> None:
    with (BUILT / "syscall_mon.bpf.o").open("rb") as file:
        section = ELFFile(file).get_section_by_name(".BTF.ext")
        # struct btf_ext_header of libbpf: core_relo_len is its eighth word
        assert struct.unpack_from("<8I", section.data())[7] == 0


def test_the_program_is_at_most_1200_kb(guest: Guest) -> None:
    assert (BUILT / "syscall_mon").stat().st_size <= 1_200_000


def test_the_guest_is_as_it_should_be(guest: Guest) -> None:
    assert ("vmlinux" in guest.text("btf.out")) == guest.has_btf
    assert not re.search("tracefs|debugfs", guest.text("mounts.out"))  # it needs neither


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


def test_json_tells_all_of_a_call(guest: Guest) -> None:
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


def test_count_ends_after_exactly_so_many_events(guest: Guest) -> None:
    assert len(guest.lines("count")) == 7


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


def test_lost_events_are_counted_and_told(guest: Guest) -> None:
    assert guest.text("lost.status") == "0\n"
    lost = re.fullmatch(
        r"syscall_mon: lost (\d+) events: the ring buffer was full \(-b 8 makes a larger one\)\n",
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


@pytest.mark.parametrize("case", ["interrupted", "terminated"])
def test_a_signal_ends_it_cleanly(guest: Guest, case: str) -> None:
    assert guest.lines(case)


def test_a_closed_pipe_ends_it_quietly(guest: Guest) -> None:
    assert len(guest.lines("head")) == 3


def test_a_pipe_closed_before_the_first_event_ends_it_quietly(guest: Guest) -> None:
    assert guest.clean("no-reader") == ""


def test_a_failing_stdout_is_an_error(guest: Guest) -> None:
    assert guest.text("full.status") == "1\n"
    assert guest.text("full.err") == "syscall_mon: stdout: No space left on device\n"


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
    "-p 0": "bad process ID '0': a number from 1 to 2147483647 is needed",
    "-p 12x": "bad process ID '12x': a number from 1 to 2147483647 is needed",
    "-p -1": "bad process ID '-1': a number from 1 to 2147483647 is needed",
    "-t 4000000": "no such thread: 4000000",
    "-c 1234567890123456": "bad comm '1234567890123456': a thread's name has 15 bytes at most",
    "-u 4294967295": "bad user ID '4294967295': a number from 0 to 4294967294 is needed",
    "-u root": "bad user ID 'root': a number from 0 to 4294967294 is needed",
    "-s opennat": "unknown syscall 'opennat': did you mean 'openat'?",
    "-s !getpdi": "unknown syscall 'getpdi': did you mean 'getpid'?",
    "-s zzzzzzzzzzzzzzzzzzzzzzzzzzzzz": "unknown syscall 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzz'",
    "-s ": "unknown syscall ''",
    "-s 9999": "no syscall has the number 9999",
    "-s -1": "unknown syscall '-1'",
    "-m -5": "bad time '-5': a number from 0 to 1000000000000 is needed",
    "-m 1e3": "bad time '1e3': a number from 0 to 1000000000000 is needed",
    "-d 0": "bad duration '0': more than 0 seconds are needed",
    "-d 1s": "bad duration '1s': a number from 0 to 100000000 is needed",
    "-d nan": "bad duration 'nan': a number from 0 to 100000000 is needed",
    "-n 0": "bad count '0': a number from 1 to 9223372036854775807 is needed",
    "-n 99999999999999999999": (
        "bad count '99999999999999999999': a number from 1 to 9223372036854775807 is needed"
    ),
    "-o xml": "bad output format 'xml': text, json or csv is needed",
    "-b 0": "bad buffer size '0': a number from 1 to 1048576 is needed",
    "--ready-fd 77": "bad file descriptor 77: Bad file descriptor",
}


@pytest.mark.parametrize("options", BAD)
def test_a_bad_request_gets_one_clear_line(guest: Guest, options: str) -> None:
    cases = dict(re.findall(r"^> (.*)\n((?:.*\n)*?)= 1$", guest.text("bad.err"), re.MULTILINE))
    assert cases[options] == f"syscall_mon: {BAD[options]}\n"
    assert guest.text("bad.out") == ""


def test_a_thread_is_not_taken_for_a_process(guest: Guest) -> None:
    pid, tid = guest.text("bad-thread.ids").split()
    assert guest.text("bad-thread.err") == (
        f"syscall_mon: no such process: {tid} is a thread of process {pid}"
        f" (-t {tid} shows it alone)\n"
    )
    assert guest.text("bad-thread.status") == "1\n"
