"""What a build costs: clean, null, and after one change, as ratios within one run.

Everything runs in a temporary copy of the checkout, with the archives in the shared cache.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from base.settings import Settings
from benchmarks._figures import Figure, add_rounds, print_figures
from benchmarks._runs import (
    ROOT,
    SCONS,
    Cost,
    copied_checkout,
    execute,
    interleaved,
    median,
    ratio,
)

COMPILERS = ("gcc", "g++", "clang")
CLEAN_BUILDS = 3  # of which the median is printed
OTHER_APPS = 300
CHANGES = ("syscall_mon.c", "syscall_mon.bpf.c", "syscall_mon.h")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument("--arch", default="arm64", choices=("arm64", "x86_64"))
    add_rounds(parser, 15, "each short command")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    with copied_checkout() as tree:
        figures = measure(tree, [f"ARCH={options.arch}", "app=syscall_mon"], options.rounds)
    return print_figures(figures, options.json)


def measure(tree: Path, request: list[str], rounds: int) -> list[Figure]:
    """Return all figures of builds in tree."""
    build = [*SCONS, *request]
    execute(build, tree)  # fills the caches: downloads, and what was probed of the tools
    jobs = len(os.sched_getaffinity(0))
    cleans = sorted(clean_build(tree, build, jobs) for _ in range(CLEAN_BUILDS))
    clean_ratio, clean, compilers, steps = cleans[CLEAN_BUILDS // 2]
    version, null = interleaved([([*SCONS, "--version"], tree), (build, tree)], rounds)
    dev, direct = interleaved([([str(ROOT / "dev"), "true"], tree), (["true"], tree)], rounds)
    changes = {name: one_change(tree / "apps/syscall_mon" / name, build, tree) for name in CHANGES}
    crowded_tree = tree.parent / "crowded"
    shutil.copytree(tree, crowded_tree)
    for number in range(OTHER_APPS):
        shutil.copytree(tree / "apps/syscall_mon", crowded_tree / f"apps/other_{number}")
    alone, crowded = interleaved([(build, tree), (build, crowded_tree)], 2 * rounds)
    crowd = f"null build with {OTHER_APPS} more apps / without"
    return [
        Figure("clean build: wall", clean.wall_s, "s"),
        Figure("clean build: CPU, all processes", clean.cpu_s, "s"),
        Figure(f"clean build: CPU, the {len(steps)} commands", sum(steps), "s"),
        Figure("clean build: CPU, compilers only", compilers, "s"),
        Figure(f"clean build: wall / (compilers' CPU / {jobs})", clean_ratio, "x", 1.17),
        Figure(
            "./dev, beyond its command: wall", median(dev).wall_s - median(direct).wall_s, "s", 0.05
        ),
        Figure("scons --version: wall", median(version).wall_s, "s"),
        Figure("null build: wall", median(null).wall_s, "s"),
        Figure("null build / scons --version", ratio(null, version), "x", 1.6),
        Figure(crowd, ratio(crowded, alone), "x", 1.05),
        *(
            Figure(f"rebuild after a change of {name}: wall", cost.wall_s, "s")
            for name, cost in changes.items()
        ),
    ]


def clean_build(
    tree: Path, build: Sequence[str], jobs: int
) -> tuple[float, Cost, float, list[float]]:
    """Build from nothing; return its ratio, its cost, and CPU seconds.

    The ratio is its wall time to the least that is possible; the seconds are those of the compilers
    and of each command.
    """
    shutil.rmtree(tree / "build")
    log = tree.parent / "steps.jsonl"
    log.unlink(missing_ok=True)
    cost = execute(build, tree, DROIDBPF_STEP_LOG=str(log))
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    compilers = sum(step["cpu_s"] for step in steps if is_compiler(step["command"][0]))
    return cost.wall_s / (compilers / jobs), cost, compilers, [step["cpu_s"] for step in steps]


def one_change(file: Path, build: Sequence[str], tree: Path) -> Cost:
    """Add a line to a file; return the cost of the next build."""
    file.write_text(file.read_text() + "\n#define BENCHMARK_CHANGE 1\n")
    return execute(build, tree)


def is_compiler(program: str) -> bool:
    """Return whether a program compiles or links (gcc drives the linker)."""
    return any(name in Path(program).name for name in COMPILERS)
