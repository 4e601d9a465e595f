"""`./dev btfhub` ends with one clear error also where its output or its inputs are odd."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import hubs
import pytest

from base.errors import DroidbpfError
from btfhub import processes
from btfhub.__main__ import main

RESOLVE = [sys.executable, "-m", "btfhub", "resolve", "5.10.101-android12-9"]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_one_error() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            RESOLVE, stdout=full, stderr=subprocess.PIPE, text=True, cwd=hubs.ROOT
        )
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device: the output cannot be written\n"


def test_closed_output_is_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *RESOLVE], stderr=subprocess.PIPE, cwd=hubs.ROOT
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_reader_that_goes_away_ends_it_as_a_closed_pipe_does() -> None:
    with subprocess.Popen(
        RESOLVE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=hubs.ROOT
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 141


def test_packed_bomb_is_refused_within_512_mb(tmp_path: Path) -> None:
    bomb = tmp_path / "Image.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(600):
            file.write(bytes(1 << 20))
    done = subprocess.run(
        [sys.executable, "-m", "btfhub", "check", str(bomb)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20)),
        stderr=subprocess.PIPE,
        text=True,
        cwd=hubs.ROOT,
    )
    assert done.returncode == 2
    assert done.stderr == f"error: {bomb} is cut off, or unpacks to more than 160 MB\n"


def test_hub_of_an_unknown_user_is_one_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--hub", "~nobody-here/hub"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: there is no folder ~nobody-here/hub to be a hub\nhint: ")


def test_killed_process_is_an_error() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one CPU: everything is done in one process")
    with pytest.raises(DroidbpfError, match=r"^error: a process that worked on BTFs was killed$"):
        processes.each(os._exit, [1, 1])
