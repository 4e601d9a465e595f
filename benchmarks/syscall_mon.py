"""Measures how much syscall_mon and strace slow down dd on this machine's kernel.

The subject is `dd if=/dev/zero of=/dev/null bs=1`: two of the cheapest syscalls, again and again.
Each round runs every case once, one after the other; a case's time is the median of its rounds.
The tracers write to /dev/null, and are attached before the subject starts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from base import cli
from base.errors import DroidbpfError, printable_lines
from base.settings import Settings
from benchmarks._figures import add_rounds, warn_if_busy
from benchmarks._runs import ROOT, SCONS, execute

PROGRAM = ROOT / "build/x86_64-gnu/apps/syscall_mon/syscall_mon"
COUNT = 300_000
STRACE_FRACTION = 10  # strace is so slow that a tenth of the count is enough
STRACE_RATIO_LIMIT = 50.0


@dataclass(frozen=True)
class Case:
    """One row of the result.

    Attributes:
        name: what was measured.
        seconds: the median of the rounds, of a run with `COUNT` or (strace) a tenth of it.
        slowdown: against the untraced run of the same count.
        limit: the most that the slowdown may be, None if nothing is promised.
    """

    name: str
    seconds: float
    slowdown: float
    limit: float | None


@dataclass(frozen=True)
class Report:
    """The result of the benchmark.

    Attributes:
        cases: the rows.
        strace_ratio: the slowdown by strace, divided by that of syscall_mon's text output.
        expected: syscalls that the counted run made, at least.
        seen: events of that run that were written.
        lost: events that syscall_mon reported as lost, in that run and all others.
    """

    cases: list[Case]
    strace_ratio: float
    expected: int
    seen: int
    lost: int


@contextlib.contextmanager
def _waiting_dd(count: int) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that becomes dd when its stdin gets a line or ends."""
    script = f"read line; exec dd if=/dev/zero of=/dev/null bs=1 count={count}"
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _time(process: subprocess.Popen[bytes]) -> float:
    """Run a waiting dd to its end; return its run time in seconds."""
    assert process.stdin
    begin = time.perf_counter()
    process.stdin.close()
    process.wait()
    return time.perf_counter() - begin


@contextlib.contextmanager
def _syscall_mon(
    program: Path, pid: int, options: Sequence[str], losses: list[int], output: Path
) -> Iterator[None]:
    """Trace a process; add the numbers of lost events to `losses`."""
    ready, theirs = os.pipe()
    command = [str(program), "-p", str(pid), "--ready-fd", str(theirs), *options]
    with output.open("wb") as stdout:
        tracer = subprocess.Popen(
            command, stdout=stdout, stderr=subprocess.PIPE, pass_fds=[theirs], text=True
        )
    os.close(theirs)
    try:
        tracing = os.read(ready, 1)
        os.close(ready)
        if tracing:
            yield
    finally:
        tracer.send_signal(signal.SIGINT)
        _, errors = tracer.communicate()
    if tracer.returncode or not tracing:
        raise DroidbpfError(f"{program} failed: {printable_lines(errors.strip())}")
    losses += [int(number) for number in re.findall(r"lost (\d+) events", errors)]


@contextlib.contextmanager
def _strace(pid: int) -> Iterator[None]:
    """Trace a process by strace -f."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", os.devnull, "-p", str(pid)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr
    try:
        if "attached" not in tracer.stderr.readline():
            raise DroidbpfError("strace cannot attach to a process", "run the benchmark as root")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


def _untraced(count: int) -> float:
    with _waiting_dd(count) as dd:
        return _time(dd)


def _traced(program: Path, options: Sequence[str], losses: list[int]) -> float:
    with _waiting_dd(COUNT) as dd, _syscall_mon(program, dd.pid, options, losses, Path(os.devnull)):
        return _time(dd)


def _beside(program: Path, losses: list[int]) -> float:
    with (
        _waiting_dd(1) as other,
        _waiting_dd(COUNT) as dd,
        _syscall_mon(program, other.pid, [], losses, Path(os.devnull)),
    ):
        return _time(dd)


def _straced() -> float:
    with _waiting_dd(COUNT // STRACE_FRACTION) as dd, _strace(dd.pid):
        return _time(dd)


def _count_events(program: Path, losses: list[int]) -> int:
    """Return the number of lines that a traced run writes to a file."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "events"
        with _waiting_dd(COUNT) as dd, _syscall_mon(program, dd.pid, [], losses, output):
            _time(dd)
        with output.open("rb") as events:
            return sum(1 for _ in events)


def measure(program: Path, rounds: int) -> Report:
    """Run all cases.

    Args:
        program: the syscall_mon to measure.
        rounds: the number of runs of each case.

    Raises:
        DroidbpfError: the program or strace does not work here.
    """
    losses: list[int] = []
    runs: dict[str, Callable[[], float]] = {
        "untraced": lambda: _untraced(COUNT),
        "syscall_mon -p": lambda: _traced(program, [], losses),
        "syscall_mon -p --summary": lambda: _traced(program, ["--summary"], losses),
        "untraced, beside syscall_mon -p": lambda: _beside(program, losses),
        "untraced, a tenth": lambda: _untraced(COUNT // STRACE_FRACTION),
        "strace -f, a tenth": _straced,
    }
    limits = {
        "syscall_mon -p": 4.0,
        "syscall_mon -p --summary": 3.5,
        "untraced, beside syscall_mon -p": 1.9,
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(run())
    seconds = {name: statistics.median(found) for name, found in times.items()}
    cases = []
    for name, median in seconds.items():
        base = seconds["untraced, a tenth" if name.endswith("a tenth") else "untraced"]
        cases.append(Case(name, median, median / base, limits.get(name)))
    ratio = seconds["strace -f, a tenth"] * STRACE_FRACTION / seconds["syscall_mon -p"]
    seen = _count_events(program, losses)
    return Report(cases, ratio, 2 * COUNT, seen, sum(losses))


def failures(report: Report) -> list[str]:
    """Return a line for each promise that a report breaks."""
    broken = [
        f"{case.name}: {case.slowdown:.2f} x is more than {case.limit} x"
        for case in report.cases
        if case.limit is not None and case.slowdown > case.limit
    ]
    if report.strace_ratio < STRACE_RATIO_LIMIT:
        broken.append(f"strace is only {report.strace_ratio:.0f} times slower")
    if report.seen + report.lost < report.expected:
        broken.append(f"{report.expected - report.seen - report.lost} events vanished uncounted")
    return broken


def _table(report: Report) -> str:
    lines = [f"{'dd bs=1 count=' + str(COUNT):34} {'seconds':>8} {'slowdown':>9} {'at most':>8}"]
    for case in report.cases:
        limit = f"{case.limit:.1f} x" if case.limit is not None else ""
        lines.append(f"{case.name:34} {case.seconds:8.3f} {case.slowdown:7.2f} x {limit:>8}")
    lines += [
        f"strace -f is {report.strace_ratio:.0f} times slower than syscall_mon -p"
        f" (at least {STRACE_RATIO_LIMIT:.0f})",
        f"events: {report.expected} syscalls by dd, {report.seen} written, {report.lost} lost",
    ]
    return "\n".join(line.rstrip() for line in lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument("--program", type=Path, help="the syscall_mon to measure (default: build)")
    add_rounds(parser, 5, "each case")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its table; return 0 if all limits are met, else 1.

    Raises:
        DroidbpfError: a program is missing or fails, or this is not root.
    """
    if os.geteuid():
        raise DroidbpfError("the benchmark loads BPF programs", "run it as root")
    if not shutil.which("strace"):
        raise DroidbpfError("strace is missing", "install it: apt-get install strace")
    program: Path = options.program or PROGRAM
    if not options.program:
        execute([*SCONS, "ARCH=x86_64", "toolchain=gnu", "app=syscall_mon"])
    warn_if_busy()
    report = measure(program.resolve(), options.rounds)
    broken = failures(report)
    if options.json:
        cli.print_json({**asdict(report), "failures": broken})
    else:
        print(_table(report))
        print("\n".join(broken) if broken else "every target is met")
    return 1 if broken else 0
