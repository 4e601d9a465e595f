"""Gives the BTF gate (btfhub.btf.check, btfhub.archive.unpack) bad inputs, to see what it costs.

Small BTFs, a kernel's BTF and a hub's archives, each changed in one to four places, and BTFs made
to cost the most. Whatever comes out must be a DroidbpfError or a BTF that can be read; each input
takes under a second, and a process that was given them stays below 512 MB of address space.
What the gate lets through is read: structs by name, the architecture, and some by bpftool.
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
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import btf_mutations

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import archive, btf, plausible, typegraph
from vmlinux.renew import FOLDER, read

ROOT = Path(__file__).resolve().parent.parent
MAX_SECONDS = 1.0  # of CPU, for one input
MAX_BYTES = 512 << 20
GIVE_UP = 60  # seconds of wall time for one input
BATCHES = {"small": 5000, "kernel": 100, "archive": 1000, "worst": 1}
READ = ("task_struct", "a", "list_head", "pt_regs")


@dataclass(frozen=True)
class Result:
    """What came of some inputs.

    Attributes:
        kind: small, kernel, archive or worst.
        inputs: how many there were.
        refused: how many gave a DroidbpfError.
        slowest: seconds of CPU that the slowest took; `which` it was.
        peak: resident memory of the process, in bytes, with the making of the inputs.
        faults: what must not be, a line for each.
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
    parser.add_argument("--small", type=int, default=92_000, help="changed small BTFs [92000]")
    parser.add_argument("--kernel", type=int, default=3_000, help="changed kernel's BTFs [3000]")
    parser.add_argument("--archive", type=int, default=5_000, help="changed archives [5000]")
    parser.add_argument("--bpftool", type=int, default=1_000, help="of what passes, read [1000]")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--btf", type=Path, help="the kernel's BTF, raw [vmlinux/arm64.btf.xz]")
    parser.add_argument("--batch", nargs=3, metavar=("KIND", "FIRST", "COUNT"), help="(for itself)")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all is as it must be, else 1."""
    if options.batch:
        kind, first, count = options.batch
        result = batch(kind, int(first), int(count), options.btf, options.bpftool)
        print(json.dumps(asdict(result)))
        return 0
    results = measure(options)
    good = not any(result.faults for result in results)
    if options.json:
        print(json.dumps({"good": good, "results": [asdict(result) for result in results]}))
    else:
        print("\n".join(shown(results)))
    return 0 if good else 1


def measure(options: argparse.Namespace) -> list[Result]:
    """Run all batches in processes of their own; give a result for each kind of input."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = options.btf
        if kernel is None:
            kernel = Path(folder) / "kernel.btf"
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
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        fault = f"{kind} {first} to {first + count - 1}: status {done.returncode}, said: {said[0]}"
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


def shown(results: list[Result]) -> list[str]:
    """Give the lines of the table, and of what is wrong."""
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
    """Give inputs to the gate, in this process, whose address space is bounded for good.

    Args:
        dumped: how many of those that pass bpftool is to read, too.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    refused, slowest, which = 0, 0.0, ""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "input"
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
    """Give the seconds that an input took, what was wrong about it, whether it passed."""
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
    """Give the seconds of CPU that a call took, and what it raised."""
    begin = time.process_time()
    try:
        do()
    except BaseException as error:
        return time.process_time() - begin, error
    return time.process_time() - begin, None


def _read(data: bytes) -> None:
    """Read what passed the gate, as the rest of btfhub does; it may not be a kernel's."""
    typegraph.structs(data, READ)
    plausible.kernel(data)


def _bpftool(data: bytes, file: Path) -> str:
    """Tell how bpftool failed on a BTF: it may refuse one, but not crash or hang."""
    if shutil.which("bpftool") is None:
        return ""
    file.write_bytes(data)
    command = ["bpftool", "btf", "dump", "file", str(file), "format", "c"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "bpftool hangs"
    return f"bpftool died of signal {-done.returncode}" if done.returncode < 0 else ""
