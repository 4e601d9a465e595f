"""Whether a library is up to date, told by its state file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from third_party import state


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "libz.a").write_bytes(b"!<arch>\n")
    (tmp_path / "zlib.h").write_text("/* zlib */\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = [Path("libz.a"), Path("zlib.h")]
STATE = Path("zlib.state")


def test_a_recorded_library_is_up_to_date(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    assert state.up_to_date(STATE, "key")
    assert not list(folder.glob("*.tmp"))


def test_another_key_is_not(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    assert not state.up_to_date(STATE, "other")


def test_a_touched_file_with_the_same_bytes_is(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    os.utime("libz.a", ns=(1, 1))
    assert state.up_to_date(STATE, "key")


def test_a_changed_file_is_not(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    Path("zlib.h").write_text("/* ZLIB */\n")
    assert not state.up_to_date(STATE, "key")


def test_a_missing_file_is_not(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    Path("zlib.h").unlink()
    assert not state.up_to_date(STATE, "key")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"key": "key"}',
        b'{"key": "key", "files": {"libz.a": 1}}',
        b'{"key": "key", "files": {"libz.a": [1]}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_record_is_not(folder: Path, content: bytes) -> None:
    STATE.write_bytes(content)
    assert not state.up_to_date(STATE, "key")


def test_no_record_is_not(folder: Path) -> None:
    assert not state.up_to_date(STATE, "key")


def test_a_record_is_written_whole_or_not_at_all(folder: Path) -> None:
    state.record(STATE, "key", FILES)
    before = STATE.read_bytes()
    with pytest.raises(OSError, match="none"):
        state.record(STATE, "other", [Path("none")])
    assert STATE.read_bytes() == before


def test_the_key_changes_with_each_script_and_setting(folder: Path) -> None:
    keys = {
        state.key(FILES, "gcc"),
        state.key(FILES, "clang"),
        state.key(FILES, "g", "cc"),
        state.key(FILES),
        state.key(FILES[:1], "gcc"),
    }
    Path("zlib.h").write_text("changed")
    keys.add(state.key(FILES, "gcc"))
    Path("zlib.h").rename("zconf.h")
    keys.add(state.key([FILES[0], Path("zconf.h")], "gcc"))
    assert len(keys) == 7


def test_the_key_does_not_change_with_the_order_or_the_time_of_files(folder: Path) -> None:
    before = state.key(FILES, "gcc")
    os.utime("libz.a", ns=(1, 1))
    assert state.key(FILES[::-1], "gcc") == before
    assert state.key([path.absolute() for path in FILES], "gcc") == before
