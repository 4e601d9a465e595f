"""What `./dev btfhub resolve` costs beyond the start of Python itself.

Bare starts (`python -c pass`) and runs take turns; the figures are medians. Byte code is kept in a
temporary folder, as Python keeps it beside the modules where it may write there.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys

from base.settings import Settings
from benchmarks._figures import Figure, add_rounds, print_figures
from benchmarks._runs import ROOT, execute, scratch

BARE = [sys.executable, "-c", "pass"]
RESOLVE = [sys.executable, "-m", "btfhub", "resolve", "--offline"]
RELEASE = "5.10.101-android12-9-00004-g0123456789ab"
LIMIT_MS = 50.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    add_rounds(parser, 40, "each command")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return print_figures(measure(options.rounds), options.json)


def measure(rounds: int) -> list[Figure]:
    """Return the figures of both commands, run in turns after one run each that fills the caches.

    Raises:
        DroidbpfError: one of them failed.
    """
    with scratch() as folder:
        timed = functools.partial(execute, folder=ROOT, PYTHONPYCACHEPREFIX=str(folder))
        rows = [(timed(BARE), timed([*RESOLVE, RELEASE])) for _ in range(rounds + 1)]
    bare, resolve = (
        statistics.median(cost.wall_s * 1000 for cost in column)
        for column in zip(*rows[1:], strict=True)
    )
    return [
        Figure("python -c pass: wall", bare, "ms"),
        Figure("./dev btfhub resolve, without ./dev: wall", resolve, "ms"),
        Figure("beyond the start of Python", resolve - bare, "ms", LIMIT_MS),
    ]
