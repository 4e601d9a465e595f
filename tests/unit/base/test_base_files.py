"""Files are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.files import sha256, write_atomically


def test_file_and_its_folder_appear_with_the_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a/b/file", "grün\n", sync=True)
    assert (tmp_path / "a/b/file").read_bytes() == "grün\n".encode()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["file"]


def test_relative_name_is_written_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_leaves_the_old_content_and_no_remains(full_disk: Path) -> None:
    file = full_disk / "file"
    write_atomically(file, b"old")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, bytes(1 << 20))
    assert file.read_bytes() == b"old"
    assert [path.name for path in full_disk.iterdir()] == ["file"]


def test_folder_in_the_place_of_a_file_is_an_error_and_leaves_no_remains(tmp_path: Path) -> None:
    (tmp_path / "file/inner").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "file", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()
