"""Building all of bcc's libbpf-tools: droidbpf against make in their own folder.

They take turns, with the same gcc, clang and bpftool, the same number of jobs, the tools' own
arm64/vmlinux.h, and the libbpf, libelf and zlib that droidbpf has built, linked statically. Both
begin with libraries and headers built, and nothing of the apps; droidbpf also without the
precompiled vmlinux.h.

The projects differ in this. make: objects for BPF CPU v1 (v3 for softirqs), llvm-strip -g, programs
with their debug information. droidbpf: objects for v2, -fno-stack-protector, vmlinux.h precompiled,
the types of each object checked and sorted, bpftool gen object; sections by function and their
garbage collection, a build-id, its runtime in each program, the debug information in a file beside
it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError
from base.settings import Settings
from benchmarks import _peers
from benchmarks._figures import Figure, add_rounds, count, print_figures
from benchmarks._runs import SCONS, copied_checkout, execute, interleaved, median, ratio

ARCH = "arm64"
VARIANT = f"build/{ARCH}-gnu"
ONE = "opensnoop"
MOST_WALL = 0.62  # of make's
MOST_NULL = 1.6  # times scons --version


class Tools(NamedTuple):
    """The programs that droidbpf builds apps with."""

    gcc: str
    clang: str
    bpftool: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    add_rounds(parser, 5, "each clean build")
    parser.add_argument(
        "--jobs", type=count, default=len(os.sched_getaffinity(0)), help="default: one a processor"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    need("make")
    source = _peers.libbpf_tools(settings)
    with copied_checkout() as tree:
        ours, theirs = tree.parent / "ours", tree.parent / "make"
        for copy in (ours, theirs):
            shutil.copytree(source, copy, symlinks=True)
        figures = measure(tree, ours, theirs, options.rounds, options.jobs)
    return print_figures(figures, options.json)


def measure(tree: Path, ours: Path, theirs: Path, rounds: int, jobs: int) -> list[Figure]:
    """Return all figures.

    Args:
        tree: a copy of the checkout.
        ours, theirs: copies of the apps' folder; make writes into the second.
    """
    apps = _peers.apps(ours)
    build = [*SCONS, f"-j{jobs}", f"ARCH={ARCH}", "toolchain=gnu", f"apps_dir={ours}"]
    log = tree.parent / "steps.jsonl"
    execute(build, tree, DROIDBPF_STEP_LOG=str(log))  # the libraries, and the probes of the tools
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
        Figure(f"clean build of {len(apps)} apps, make -j{jobs}: wall", other.wall_s, "s"),
        Figure(f"clean build of {len(apps)} apps, droidbpf: wall", mine.wall_s, "s"),
        Figure("make: CPU", other.cpu_s, "s"),
        Figure("droidbpf: CPU", mine.cpu_s, "s"),
        Figure(
            f"droidbpf / make: wall, median of {rounds}", statistics.median(ratios), "x", MOST_WALL
        ),
        Figure("droidbpf / make: wall, the worst", max(ratios), "x"),
        Figure("scons --version: wall", median(version).wall_s, "s"),
        Figure(f"null build of {ONE}: wall", median(null_one).wall_s, "s"),
        Figure(
            f"null build of {ONE} / scons --version",
            ratio(null_one, version),
            "x",
            MOST_NULL,
        ),
        Figure(f"null build of {len(apps)} apps: wall", median(null_all).wall_s, "s"),
        Figure("make, nothing to do: wall", median(null_make).wall_s, "s"),
    ]


def make_command(tools: Tools, tree: Path, jobs: int, apps: Sequence[str]) -> list[str]:
    """Return the make command that does the same work with the same tools and libraries."""
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
    """Return the tools that the commands of a build ran."""

    def of(*words: str) -> str:
        return next(c[0] for c in commands if all(word in c for word in words))

    return Tools(of(f"{VARIANT}/apps/{ONE}/{ONE}.o.tmp"), of("-target", "bpf"), of("skeleton"))


def need(program: str) -> str:
    """Return the path of a program in PATH.

    Raises:
        DroidbpfError: it is missing.
    """
    path = shutil.which(program)
    if not path:
        raise DroidbpfError(f"{program} is missing", f"install it: apt-get install {program}")
    return path


def need_programs(folder: Path, names: Sequence[str]) -> None:
    """Verify that a build made all programs.

    Raises:
        DroidbpfError: some are missing.
    """
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DroidbpfError(f"{folder} lacks {', '.join(missing)}: the work was not the same")
