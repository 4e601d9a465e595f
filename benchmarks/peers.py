"""Building all of bcc's libbpf-tools: droidbpf against make in their own folder.

Both use the same gcc, clang and bpftool, their arm64/vmlinux.h, and the libbpf, libelf and zlib
that droidbpf has built, linked statically; as many jobs; in turns. Both begin with the libraries
and headers built, and nothing of the apps; droidbpf without the precompiled vmlinux.h, too.

What differs is the projects' own. make: objects for BPF CPU v1 (v3 for softirqs), llvm-strip -g,
programs with their debug information. droidbpf: objects for v2, -fno-stack-protector, vmlinux.h
precompiled, a check and an order of the types of each object, bpftool gen object; sections by
function and their garbage collection, a build-id, its runtime in each program, the debug
information in a file beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError
from base.settings import Settings
from benchmarks import _peers
from benchmarks.build import SCONS, Cost, Limit, copy_checkout, execute, interleaved, tell

ARCH = "arm64"
VARIANT = f"build/{ARCH}-gnu"
ONE = "opensnoop"
MOST_WALL = 0.8  # of make's
MOST_NULL = 2.0  # times scons --version


class Tools(NamedTuple):
    """The programs that droidbpf builds apps with."""

    gcc: str
    clang: str
    bpftool: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument("--rounds", type=int, default=5, help="of clean builds [5]")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 where all limits are met, else 1."""
    if min(options.rounds, options.jobs) < 1:
        raise DroidbpfError("--rounds and --jobs must be at least 1")
    need("make")
    source = _peers.libbpf_tools(Settings.from_environment())
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        tree, ours, theirs = (Path(folder, name) for name in ("checkout", "ours", "make"))
        copy_checkout(tree)
        for copy in (ours, theirs):
            shutil.copytree(source, copy, symlinks=True)
        figures = measure(tree, ours, theirs, options.rounds, options.jobs)
    return tell(figures, options.json)


def measure(tree: Path, ours: Path, theirs: Path, rounds: int, jobs: int) -> list[Limit]:
    """Give all figures.

    Args:
        tree: a copy of the checkout.
        ours, theirs: copies of the apps' folder; make writes into the second.
    """
    apps = _peers.apps(ours)
    build = [*SCONS, f"-j{jobs}", f"ARCH={ARCH}", "toolchain=gnu", f"apps_dir={ours}"]
    log = tree.parent / "steps.jsonl"
    execute(
        build, tree, DROIDBPF_STEP_LOG=str(log)
    )  # the libraries, and what tools say of themselves
    commands = [json.loads(line)["command"] for line in log.read_text().splitlines()]
    make = make_command(tools(commands), tree, jobs, apps)
    rows = []
    for _ in range(rounds):
        for made in ("apps", "vmlinux"):
            shutil.rmtree(tree / VARIANT / made)
        droidbpf = execute(build, tree)
        execute([*make, "clean"], theirs)
        rows.append((droidbpf, execute([*make, *apps], theirs)))
        need_programs(tree / VARIANT / "apps", [f"{app}/{app}" for app in apps])
        need_programs(theirs, apps)
    mine, other = (median(column) for column in zip(*rows, strict=True))
    ratios = [droidbpf.wall_s / peer.wall_s for droidbpf, peer in rows]
    one = [*build, f"app={ONE}"]
    execute(one, tree)
    short = [([*SCONS, "--version"], tree), (one, tree), (build, tree), ([*make, *apps], theirs)]
    version, null_one, null_all, null_make = interleaved(short, 3 * rounds)
    return [
        Limit(f"clean build of {len(apps)} apps, make -j{jobs}: wall", other.wall_s, "s"),
        Limit(f"clean build of {len(apps)} apps, droidbpf: wall", mine.wall_s, "s"),
        Limit("make: CPU", other.cpu_s, "s"),
        Limit("droidbpf: CPU", mine.cpu_s, "s"),
        Limit(
            f"droidbpf / make: wall, median of {rounds}", statistics.median(ratios), "x", MOST_WALL
        ),
        Limit("droidbpf / make: wall, the worst", max(ratios), "x"),
        Limit("scons --version: wall", version.wall_s, "s"),
        Limit(f"null build of {ONE}: wall", null_one.wall_s, "s"),
        Limit(
            f"null build of {ONE} / scons --version",
            null_one.wall_s / version.wall_s,
            "x",
            MOST_NULL,
        ),
        Limit(f"null build of {len(apps)} apps: wall", null_all.wall_s, "s"),
        Limit("make, nothing to do: wall", null_make.wall_s, "s"),
    ]


def make_command(tools: Tools, tree: Path, jobs: int, apps: Sequence[str]) -> list[str]:
    """Give the make command that does the same work with the same tools and libraries."""
    strip = Path(tools.clang).name.replace("clang", "llvm-strip")
    return [
        need("make"),
        f"-j{jobs}",
        f"ARCH={ARCH}",
        f"APPS={' '.join(apps)}",
        f"CC={tools.gcc}",
        f"CLANG={tools.clang}",
        f"LLVM_STRIP={shutil.which(strip) or need('llvm-strip')}",
        f"BPFTOOL={tools.bpftool}",
        f"LIBBPF_OBJ={tree / VARIANT / 'third_party/libbpf.a'}",
        f"INCLUDES=-I.output -I{tree / 'build/third_party/include'}",
        f"EXTRA_LDFLAGS=-static -L{tree / VARIANT / 'third_party'}",
        "USE_BLAZESYM=0",
    ]


def tools(commands: Sequence[Sequence[str]]) -> Tools:
    """Give the programs that the commands of a build are of."""

    def of(*words: str) -> str:
        return next(c[0] for c in commands if all(word in c for word in words))

    return Tools(of(f"{VARIANT}/apps/{ONE}/{ONE}.o.tmp"), of("-target", "bpf"), of("skeleton"))


def need(program: str) -> str:
    """Give the path of a program, which must be in PATH."""
    path = shutil.which(program)
    if not path:
        raise DroidbpfError(f"no {program} here", f"install it: apt-get install {program}")
    return path


def need_programs(folder: Path, names: Sequence[str]) -> None:
    """Refuse a build that left programs unmade."""
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DroidbpfError(f"{folder} lacks {', '.join(missing)}: not the same work was done")


def median(costs: Sequence[Cost]) -> Cost:
    """Give the medians of wall and CPU time."""
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
    )
