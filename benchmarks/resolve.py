"""What `python -m btfhub resolve` costs beyond the start of Python itself.

Bare starts (`python -c pass`) and runs take turns; the figures are medians. Byte code is kept in a
temporary folder, as Python keeps it beside the modules where it may write there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
BARE = ("-c", "pass")
RESOLVE = ("-m", "btfhub", "resolve", "--offline", "5.10.101-android12-9-00004-g0123456789ab")
LIMIT_MS = 50.0


@dataclass(frozen=True)
class Report:
    """Medians of wall time, in ms: of a bare start of Python, and of resolve."""

    bare_ms: float
    resolve_ms: float

    @property
    def beyond_ms(self) -> float:
        """What resolve costs beyond the bare start."""
        return self.resolve_ms - self.bare_ms

    @property
    def met(self) -> bool:
        """Tell whether the limit is kept."""
        return self.beyond_ms <= LIMIT_MS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument("--rounds", type=int, default=40, help="of each command [40]")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 where the limit is kept, else 1."""
    if options.rounds < 1:
        raise DroidbpfError("--rounds must be at least 1")
    report = measure(options.rounds)
    if options.json:
        print(json.dumps(asdict(report) | {"beyond_ms": report.beyond_ms, "met": report.met}))
    else:
        print("\n".join(shown(report)))
    return 0 if report.met else 1


def measure(rounds: int) -> Report:
    """Run both commands in turns, after one run each that fills the caches.

    Raises:
        DroidbpfError: one of them failed.
    """
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        environment = dict(os.environ, PYTHONPYCACHEPREFIX=folder)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        pairs = [(timed(BARE, environment), timed(RESOLVE, environment)) for _ in range(rounds + 1)]
    bare, resolve = zip(*pairs[1:], strict=True)
    return Report(statistics.median(bare), statistics.median(resolve))


def timed(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Give the wall time in ms of one run of Python.

    Raises:
        DroidbpfError: it failed.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    passed = (time.perf_counter() - begin) * 1000
    if done.returncode:
        raise DroidbpfError(f"{' '.join(arguments)} failed: {done.stderr.decode().strip()}")
    return passed


def shown(report: Report) -> list[str]:
    """Give the lines of the text output."""
    verdict = "" if report.met else "  MISSED"
    ratio = report.resolve_ms / report.bare_ms
    return [
        f"python -c pass            {report.bare_ms:6.1f} ms",
        f"python -m btfhub resolve  {report.resolve_ms:6.1f} ms  {ratio:.1f} x",
        f"beyond Python's start     {report.beyond_ms:6.1f} ms  at most {LIMIT_MS:g}{verdict}",
    ]
