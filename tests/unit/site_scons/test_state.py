"""Whether a library is up to date, as its state file says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

import state
import versions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "build").mkdir()
    (tmp_path / "build/libz.a").write_bytes(b"!<arch>\n")
    (tmp_path / "build/zlib.h").write_text("/* zlib */\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = [Path("build/libz.a"), Path("build/zlib.h")]
STATE = Path("zlib.state")


def record(key: str, objects: Sequence[Path] = ()) -> None:
    state.record(str(STATE), key, map(str, FILES), map(str, objects))


def test_a_recorded_library_is_up_to_date(folder: Path) -> None:
    record("key")
    assert state.up_to_date(str(STATE), "key")
    assert not list(folder.glob("*.tmp"))


def test_another_key_is_not(folder: Path) -> None:
    record("key")
    assert not state.up_to_date(str(STATE), "other")


def test_a_touched_file_with_the_same_bytes_is(folder: Path) -> None:
    record("key")
    os.utime(FILES[0], ns=(1, 1))
    assert state.up_to_date(str(STATE), "key")


def test_a_changed_file_is_not(folder: Path) -> None:
    record("key")
    FILES[1].write_text("/* ZLIB */\n")
    assert not state.up_to_date(str(STATE), "key")


def test_a_missing_file_is_not(folder: Path) -> None:
    record("key")
    FILES[1].unlink()
    assert not state.up_to_date(str(STATE), "key")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"key": "key"}',
        b'{"key": "key", "files": {"build/libz.a": 1}}',
        b'{"key": "key", "files": {"build/libz.a": [1]}}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_record_is_not(folder: Path, content: bytes) -> None:
    STATE.write_bytes(content)
    assert not state.up_to_date(str(STATE), "key")


def test_no_record_is_not(folder: Path) -> None:
    assert not state.up_to_date(str(STATE), "key")


def test_a_file_that_is_missing_when_it_is_recorded_is_not_up_to_date(folder: Path) -> None:
    FILES[1].unlink()
    record("key")
    assert not state.up_to_date(str(STATE), "key")
    FILES[1].write_text("/* zlib */\n")
    assert not state.up_to_date(str(STATE), "key")


def test_a_changed_file_that_the_compiler_read_is_not(folder: Path) -> None:
    header = folder / "stdio.h"
    header.write_text("int printf();\n")
    read = {str(header): versions.version(str(header)), "build/own.h": None}
    versions.save("build/adler32.o.inputs", read)
    record("key", [Path("build/adler32.o")])
    header.write_text("int printf(void);\n")
    assert not state.up_to_date(str(STATE), "key")


def test_a_file_that_the_compiler_read_and_that_is_the_same_is(folder: Path) -> None:
    header = folder / "stdio.h"
    header.write_text("int printf();\n")
    versions.save("build/adler32.o.inputs", {str(header): versions.version(str(header))})
    record("key", [Path("build/adler32.o")])
    assert state.up_to_date(str(STATE), "key")


def test_the_key_changes_with_each_script_and_setting(folder: Path) -> None:
    keys = {
        state.key(FILES, "gcc"),
        state.key(FILES, "clang"),
        state.key(FILES, "g", "cc"),
        state.key(FILES),
        state.key(FILES[:1], "gcc"),
    }
    FILES[1].write_text("changed")
    keys.add(state.key(FILES, "gcc"))
    FILES[1].rename("build/zconf.h")
    keys.add(state.key([FILES[0], Path("build/zconf.h")], "gcc"))
    assert len(keys) == 7


def test_the_key_does_not_change_with_the_order_or_the_time_of_files(folder: Path) -> None:
    before = state.key(FILES, "gcc")
    os.utime(FILES[0], ns=(1, 1))
    assert state.key(FILES[::-1], "gcc") == before
    assert state.key([path.absolute() for path in FILES], "gcc") == before
