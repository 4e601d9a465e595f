"""Runs and times commands, in the checkout or in a temporary copy of it."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError

ROOT = Path(__file__).resolve().parent.parent
SCONS = [sys.executable, "-m", "SCons", "-Q"]
# The folder of test data: a hub, kernels.
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a command and all its children."""

    wall_s: float
    cpu_s: float


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of wall and CPU time."""
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
    )


def execute(command: Sequence[str], folder: Path = ROOT, **environment: str) -> Cost:
    """Run a command to its end; return what it cost.

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
        errors="replace",
        check=False,
    )
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise DroidbpfError(f"{' '.join(command)} failed:\n{done.stdout}")
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def interleaved(commands: Sequence[tuple[Sequence[str], Path]], rounds: int) -> list[list[Cost]]:
    """Return the costs of each (command, folder), by rounds.

    They take turns in both directions, since what has just run leaves its traces in the caches.
    """
    costs: list[list[Cost]] = [[] for _ in commands]
    for number in range(rounds):
        turns = list(enumerate(commands))
        for i, (command, folder) in turns[:: -1 if number % 2 else 1]:
            costs[i].append(execute(command, folder))
    return costs


def ratio(costs: Sequence[Cost], others: Sequence[Cost]) -> float:
    """Return the median of wall times as ratios to those of the same rounds: speeds drift."""
    pairs = zip(costs, others, strict=True)
    return statistics.median(cost.wall_s / other.wall_s for cost, other in pairs)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of a function, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def copied_checkout() -> Iterator[Path]:
    """Yield a temporary copy of what git tracks, or would track, alone in its folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        raise DroidbpfError(f"git cannot list the files: {listed.stderr.strip()}")
    with scratch() as folder:
        tree = folder / "checkout"
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        yield tree
