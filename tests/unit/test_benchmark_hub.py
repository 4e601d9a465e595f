"""The benchmark of hubs fails when a promise is missed, and counts what a server gave."""

import urllib.request
from dataclasses import replace
from pathlib import Path

import hubs
import pytest

from benchmarks import hub
from benchmarks.__main__ import main

GOOD = hub.Report(31, 39409180, 3.4, 0.6, 0.001, 8, 0, 0)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"parallel_s": 0.86}, False),
        ({"warm_requests": 1}, False),
        ({"warm_bytes": 1}, False),
    ],
)
def test_each_limit_is_held(changes: dict[str, float], met: bool) -> None:
    report = replace(GOOD, **changes)
    assert report.met is met
    assert ("MISSED" in "\n".join(hub.shown(report))) is not met


def test_server_counts_requests_and_bytes(tmp_path: Path, no_proxy: None) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    with hub.serving(tmp_path) as (url, served):
        for _ in range(2):
            with urllib.request.urlopen(f"{url}/a") as answer:
                assert answer.read() == b"12345"
    assert (served.requests, served.sent, served.connections) == (2, 10, 2)


def test_folder_without_the_files_of_the_lock_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hub", "--hub", str(hubs.fill(tmp_path, [hubs.UBUNTU]))]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} holds no file of the lock\n"
        "hint: set DROIDBPF_TEST_ASSETS to the folder of test data\n"
    )
