"""The verdict of the syscall_mon benchmark, and the front end of all benchmarks."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.syscall_mon import Case, Report, failures

ROOT = Path(__file__).resolve().parents[2]
GOOD = Report(
    cases=[Case("untraced", 0.1, 1.0, None), Case("syscall_mon -p", 0.4, 4.0, 4.0)],
    strace_ratio=50.0,
    expected=600_000,
    seen=500_000,
    lost=100_000,
)


def test_what_reaches_every_target_breaks_no_promise() -> None:
    assert failures(GOOD) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cases": [Case("syscall_mon -p", 0.4, 4.01, 4.0)]},
            "syscall_mon -p: 4.01 x is more than 4.0 x",
        ),
        ({"strace_ratio": 49.4}, "strace is only 49 times slower"),
        ({"lost": 99_990}, "10 events vanished uncounted"),
    ],
)
def test_each_missed_target_is_named(change: dict[str, object], message: str) -> None:
    assert failures(dataclasses.replace(GOOD, **change)) == [message]  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [[], ["nothing"]])
def test_an_unknown_benchmark_is_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: python -m benchmarks ")
    assert "|build|" in result.stderr
    assert "|syscall_mon [options]\n" in result.stderr
