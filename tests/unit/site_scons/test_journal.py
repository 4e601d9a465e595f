"""A journal keeps what was added before a process was killed or the disk was full."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journal import Journal

VALUES = [("build", "a.o", {"size": 1}), ("build", "b.o", {"size": 2}), "x" * 1000]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = Journal(str(tmp_path / "journal"))
    for value in VALUES:
        journal.append(value)
    return tmp_path / "journal"


def read(path: Path) -> list[object]:
    return Journal(str(path)).read()


def test_what_was_added_is_read_in_its_order(path: Path) -> None:
    assert read(path) == VALUES


def test_no_journal_has_no_values(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == []


def test_a_cut_journal_keeps_the_values_before_the_cut(path: Path) -> None:
    whole = path.read_bytes()
    ends = []
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        values = read(path)
        assert values == VALUES[: len(values)]
        ends.append(len(values))
    assert set(ends) == {0, 1, 2}


def test_a_damaged_value_ends_the_journal(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    assert read(path) == VALUES[:2]


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\xff" * 100, b"text\n"])
def test_what_a_power_cut_left_behind_the_values_is_ignored(path: Path, tail: bytes) -> None:
    with path.open("ab") as file:
        file.write(tail)
    assert read(path) == VALUES


def test_a_value_added_after_a_cut_is_read(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)
    journal = Journal(str(path))
    assert journal.read() == VALUES[:2]
    journal.append("next")
    assert read(path) == [*VALUES[:2], "next"]


def test_reading_changes_nothing(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)
    before = path.read_bytes()
    read(path)
    assert path.read_bytes() == before


def test_a_cleared_journal_is_empty_and_goes_on(path: Path) -> None:
    journal = Journal(str(path))
    journal.read()
    journal.append("more")
    journal.clear()
    assert read(path) == []
    journal.append("again")
    assert read(path) == ["again"]


def test_a_full_disk_cuts_no_value(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    limit = 300
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; from journal import Journal\n"
        "journal = Journal(sys.argv[1])\n"
        "for number in range(100): journal.append(number)\n"
    )
    path = tmp_path / "journal"

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", code, str(path), *sys.path]
    subprocess.run(command, check=True, preexec_fn=limited)
    values = read(path)
    assert 0 < len(values) < 100
    assert values == list(range(len(values)))
