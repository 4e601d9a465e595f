"""Feeds bad inputs to the BTF gate (btfhub.btf.check, btfhub.archive.unpack) to see what they cost.

The inputs are small BTFs, a kernel's BTF and a hub's archives, each changed in one to four places,
and BTFs made to cost the most. Each must raise a DroidbpfError or be readable afterwards, take less
than a second, and leave the process below 512 MB of address space. A BTF that passes the gate is
then read: structs by name, the architecture, and some by bpftool.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import btf_mutations

from base import cli
from base.errors import DroidbpfError, printable
from base.settings import Settings
from benchmarks._runs import ROOT, scratch
from btfhub import archive, btf, plausible, typegraph
from vmlinux.renew import FOLDER, read

MAX_SECONDS = 1.0  # of CPU, for one input
MAX_BYTES = 512 << 20
GIVE_UP = 60  # seconds of wall time for one input
BATCHES = {"small": 5000, "kernel": 100, "archive": 1000, "worst": 1}
READ = ("task_struct", "a", "list_head", "pt_regs")


@dataclass(frozen=True)
class Result:
    """The result of some inputs.

    Attributes:
        kind: small, kernel, archive or worst.
        inputs: their number.
        refused: how many raised a DroidbpfError.
        slowest: CPU seconds of the slowest one.
        which: the name of the slowest one.
        peak: resident memory of the process in bytes, including the generation of the inputs.
        faults: a line for each violation of a limit.
    """

    kind: str
    inputs: int
    refused: int
    slowest: float
    which: str
    peak: int
    faults: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    add = parser.add_argument
    add("--small", type=int, default=92_000, help="changed small BTFs (default: 92000)")
    add("--kernel", type=int, default=3_000, help="changed BTFs of a kernel (default: 3000)")
    add("--archive", type=int, default=5_000, help="changed archives (default: 5000)")
    add("--bpftool", type=int, default=1_000, help="BTFs that bpftool reads, too (default: 1000)")
    add("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="default: one a processor")
    add("--btf", type=Path, help="a kernel's raw BTF (default: vmlinux/arm64.btf.xz)")
    add("--batch", nargs=3, metavar=("KIND", "FIRST", "COUNT"), help=argparse.SUPPRESS)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    if options.batch:
        kind, first, count = options.batch
        result = batch(kind, int(first), int(count), options.btf, options.bpftool)
        print(json.dumps(asdict(result)))
        return 0
    results = measure(options)
    good = not any(result.faults for result in results)
    if options.json:
        cli.print_json({"met": good, "results": [asdict(result) for result in results]})
    else:
        print("\n".join(table(results)))
    return 0 if good else 1


def measure(options: argparse.Namespace) -> list[Result]:
    """Run all batches in processes of their own; return a result for each kind of input."""
    with scratch() as folder:
        kernel = options.btf
        if kernel is None:
            kernel = folder / "kernel.btf"
            kernel.write_bytes(read(FOLDER / "arm64.btf.xz"))
        wanted = {kind: getattr(options, kind, len(btf_mutations.WORST)) for kind in BATCHES}
        jobs = [
            (kind, first, min(size, wanted[kind] - first))
            for kind, size in BATCHES.items()
            for first in range(0, wanted[kind], size)
        ]
        dumped = options.bpftool * BATCHES["small"] // max(1, options.small)

        def run(job: tuple[str, int, int]) -> Result:
            return _process(*job, kernel, dumped if job[0] == "small" else 0)

        with ThreadPoolExecutor(options.jobs) as pool:
            done = list(pool.map(run, jobs))
    return [
        _sum([result for result in done if result.kind == kind]) for kind in BATCHES if wanted[kind]
    ]


def _process(kind: str, first: int, count: int, kernel: Path, dumped: int) -> Result:
    command = [sys.executable, "-m", "benchmarks", "btf_gate", f"--btf={kernel}"]
    command += [f"--bpftool={dumped}", "--batch", kind, str(first), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        last = printable((done.stderr.strip().splitlines() or ["no message"])[-1])
        fault = f"{kind} {first} to {first + count - 1}: status {done.returncode}: {last}"
        return Result(kind, count, 0, 0.0, "", 0, [fault])
    return Result(**json.loads(done.stdout))


def _sum(results: list[Result]) -> Result:
    slowest = max(results, key=lambda result: result.slowest)
    return replace(
        slowest,
        inputs=sum(result.inputs for result in results),
        refused=sum(result.refused for result in results),
        peak=max(result.peak for result in results),
        faults=[fault for result in results for fault in result.faults],
    )


def table(results: list[Result]) -> list[str]:
    """Return the lines of the table, then those of the faults."""
    lines = [f"{'':8} {'inputs':>7} {'refused':>8} {'slowest':>9} {'memory':>8}"]
    for result in results:
        lines.append(
            f"{result.kind:8} {result.inputs:7} {result.refused:8} {result.slowest:7.3f} s"
            f" {result.peak >> 20:5} MB  {result.which}"
        )
    faults = [fault for result in results for fault in result.faults]
    total = sum(result.inputs for result in results)
    limits = f"each under {MAX_SECONDS:.0f} s and {MAX_BYTES >> 20} MB"
    return [*lines, *faults, f"{total} inputs, {len(faults)} faults; {limits}"]


def batch(kind: str, first: int, count: int, kernel: Path, dumped: int) -> Result:
    """Feed inputs to the gate in this process, whose address space stays bounded.

    Args:
        dumped: the number of BTFs that pass the gate and that bpftool reads, too.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    refused, slowest, which = 0, 0.0, ""
    faults: list[str] = []
    with scratch() as folder:
        file = folder / "input"
        for name, data in _inputs(kind, first, count, kernel):
            signal.alarm(GIVE_UP)
            seconds, fault, passed = _try(kind, data, file)
            refused += not passed
            if passed and dumped:
                dumped -= 1
                fault = fault or _bpftool(data, file)
            if seconds >= slowest:
                slowest, which = seconds, name
            if seconds >= MAX_SECONDS:
                fault = fault or f"{seconds:.2f} s"
            if fault:
                faults.append(f"{kind} {name}: {fault}")
            signal.alarm(0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return Result(kind, count, refused, slowest, which, peak, faults)


def _inputs(kind: str, first: int, count: int, kernel: Path) -> Iterator[tuple[str, bytes]]:
    numbers = range(first, first + count)
    if kind == "worst":
        for name in list(btf_mutations.WORST)[first : first + count]:
            yield name, btf_mutations.WORST[name]()
        return
    good = kernel.read_bytes() if kind == "kernel" else btf_mutations.every_kind()
    layout = btf.walk(good)
    make: Callable[[int], bytes] = lambda number: btf_mutations.mutated(good, layout, number)  # noqa: E731
    if kind == "archive":
        make = lambda number: btf_mutations.mutated_archive(good, number)  # noqa: E731
    for number in numbers:
        yield str(number), make(number)


def _try(kind: str, data: bytes, file: Path) -> tuple[float, str, bool]:
    """Return the seconds that an input took, its fault or "", and whether it passed."""
    if kind == "archive":
        file.write_bytes(data)
    seconds, error = _timed(
        lambda: btf.check(archive.unpack(file)[1] if kind == "archive" else data)
    )
    passed = error is None
    if passed and kind != "archive":
        more, error = _timed(lambda: _read(data))
        seconds = max(seconds, more)
    fault = "" if error is None or isinstance(error, DroidbpfError) else repr(error)
    return seconds, fault, passed


def _timed(do: Callable[[], object]) -> tuple[float, BaseException | None]:
    """Return the CPU seconds that a call took, and what it raised."""
    begin = time.process_time()
    try:
        do()
    except BaseException as error:
        return time.process_time() - begin, error
    return time.process_time() - begin, None


def _read(data: bytes) -> None:
    """Read a BTF that passed the gate as the rest of btfhub does; it need not be a kernel's."""
    typegraph.structs(data, READ)
    plausible.kernel(data)


def _bpftool(data: bytes, file: Path) -> str:
    """Return how bpftool failed on a BTF, or "": it may refuse one, but not crash or hang."""
    if shutil.which("bpftool") is None:
        return ""
    file.write_bytes(data)
    command = ["bpftool", "btf", "dump", "file", str(file), "format", "c"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "bpftool hangs"
    return f"bpftool died of signal {-done.returncode}" if done.returncode < 0 else ""
