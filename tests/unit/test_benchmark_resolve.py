"""The benchmark of `python -m btfhub resolve`: its verdict, and that it measures what it says."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as front
from benchmarks import resolve
from benchmarks.resolve import Report, shown
from fetch.errors import DroidbpfError


def test_limit_is_kept_by_50_ms_and_missed_by_more() -> None:
    assert Report(10.0, 60.0).met
    assert not Report(10.0, 60.1).met
    assert shown(Report(10.0, 45.0)) == [
        "python -c pass              10.0 ms",
        "python -m btfhub resolve    45.0 ms  4.5 x",
        "beyond Python's start       35.0 ms  at most 50",
    ]
    assert shown(Report(10.0, 61.0))[-1].endswith("51.0 ms  at most 50  MISSED")


def test_both_commands_are_run_and_the_status_follows_the_limit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, status in ((10_000.0, 0), (0.01, 1)):
        monkeypatch.setattr(resolve, "LIMIT_MS", limit)
        assert front.main(["resolve", "--rounds", "1", "--json"]) == status
        report = json.loads(capsys.readouterr().out)
        assert 0 < report["bare_ms"] < report["resolve_ms"]
        assert report["met"] == (status == 0)


def test_a_failing_command_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "RESOLVE", ("-m", "btfhub", "resolve", "no release"))
    with pytest.raises(DroidbpfError, match="not a kernel release"):
        resolve.measure(1)
