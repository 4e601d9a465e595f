"""What a build costs: clean, null, and after one change, as ratios within one run.

Everything runs in a temporary copy of the checkout, with the archives in the shared cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SCONS = [sys.executable, "-m", "SCons", "-Q"]
COMPILERS = ("gcc", "g++", "clang")
OTHER_APPS = 300
CHANGES = ("syscall_mon.c", "syscall_mon.bpf.c", "syscall_mon.h")


@dataclass(frozen=True)
class Limit:
    """One figure: what was measured, its unit, and the most that it may be (0: no limit)."""

    name: str
    value: float
    unit: str
    most: float = 0.0

    @property
    def met(self) -> bool:
        """Tell whether the figure is within its limit."""
        return not self.most or self.value <= self.most

    def __str__(self) -> str:
        """Give the line of a table."""
        value = f"{self.value:8.3f}" if isinstance(self.value, float) else f"{self.value:8}"
        verdict = f"at most {self.most:g}: {'met' if self.met else 'MISSED'}" if self.most else ""
        return f"{self.name:58} {value} {self.unit:2}  {verdict}".rstrip()


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a command and all its children."""

    wall_s: float
    cpu_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument("--arch", default="arm64", choices=("arm64", "x86_64"))
    parser.add_argument("--rounds", type=int, default=15, help="of each short command [15]")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 where all limits are met, else 1."""
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        tree = Path(folder, "checkout")
        copy_checkout(tree)
        figures = measure(tree, [f"ARCH={options.arch}", "app=syscall_mon"], options.rounds)
    return tell(figures, options.json)


def tell(figures: Sequence[Limit], as_json: bool) -> int:
    """Print the figures, as lines or as JSON; give 0 where all limits are met, else 1."""
    if as_json:
        print(json.dumps([asdict(figure) | {"met": figure.met} for figure in figures], indent=1))
    else:
        for figure in figures:
            print(figure)
    return 0 if all(figure.met for figure in figures) else 1


def copy_checkout(tree: Path) -> None:
    """Copy what git tracks, or would track, to tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        raise DroidbpfError(f"git cannot list the files: {listed.stderr.strip()}")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def measure(tree: Path, request: list[str], rounds: int) -> list[Limit]:
    """Give all figures of builds in tree."""
    build = [*SCONS, *request]
    execute(build, tree)  # downloads what the cache lacks, and answers what tools say of themselves
    shutil.rmtree(tree / "build")
    log = tree.parent / "steps.jsonl"
    clean = execute(build, tree, DROIDBPF_STEP_LOG=str(log))
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    compilers = sum(step["cpu_s"] for step in steps if is_compiler(step["command"][0]))
    jobs = len(os.sched_getaffinity(0))
    version, null = interleaved([([*SCONS, "--version"], tree), (build, tree)], rounds)
    dev, direct = interleaved([([str(ROOT / "dev"), "true"], tree), (["true"], tree)], rounds)
    changes = {name: one_change(tree / "apps/syscall_mon" / name, build, tree) for name in CHANGES}
    crowded_tree = tree.parent / "crowded"
    shutil.copytree(tree, crowded_tree)
    for number in range(OTHER_APPS):
        shutil.copytree(tree / "apps/syscall_mon", crowded_tree / f"apps/other_{number}")
    alone, crowded = interleaved([(build, tree), (build, crowded_tree)], rounds)
    return [
        Limit("clean build: wall", clean.wall_s, "s"),
        Limit("clean build: CPU, all processes", clean.cpu_s, "s"),
        Limit(f"clean build: CPU, the {len(steps)} commands", sum(s["cpu_s"] for s in steps), "s"),
        Limit("clean build: CPU, compilers only", compilers, "s"),
        Limit(
            f"clean build: wall / (compilers' CPU / {jobs})",
            clean.wall_s * jobs / compilers,
            "x",
            1.25,
        ),
        Limit("./dev, beyond its command: wall", dev.wall_s - direct.wall_s, "s", 0.05),
        Limit("scons --version: wall", version.wall_s, "s"),
        Limit("null build: wall", null.wall_s, "s"),
        Limit("null build / scons --version", null.wall_s / version.wall_s, "x", 2.0),
        Limit(
            f"null build with {OTHER_APPS} more apps / without",
            crowded.wall_s / alone.wall_s,
            "x",
            1.1,
        ),
        *(
            Limit(f"rebuild after a change of {name}: wall", cost.wall_s, "s")
            for name, cost in changes.items()
        ),
    ]


def one_change(file: Path, build: Sequence[str], tree: Path) -> Cost:
    """Give the cost of a build after a line was added to a file."""
    text = file.read_text()
    file.write_text(text + "\n#define BENCHMARK_CHANGE 1\n")
    return execute(build, tree)


def is_compiler(program: str) -> bool:
    """Tell whether a program compiles or links (gcc drives the linker)."""
    return any(name in Path(program).name for name in COMPILERS)


def execute(command: Sequence[str], folder: Path, **environment: str) -> Cost:
    """Run a command to its end, and give what it cost.

    Raises:
        DroidbpfError: it failed; with what it printed.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise DroidbpfError(f"{' '.join(command)} failed:\n{done.stdout}")
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def interleaved(commands: Sequence[tuple[Sequence[str], Path]], rounds: int) -> list[Cost]:
    """Give the median cost of each (command, folder), in turns, so that noise meets all alike."""
    rows = [[execute(command, folder) for command, folder in commands] for _ in range(rounds)]
    return [
        Cost(
            statistics.median(c.wall_s for c in column), statistics.median(c.cpu_s for c in column)
        )
        for column in zip(*rows, strict=True)
    ]
