"""Folders of packages' files: what is in use is as it was unpacked, or is unpacked again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch import packages

FILES = {
    "include/stdio.h": b"int puts(const char *);\n",
    "include/sys/a.h": b"",
    "lib/libc.a": b"a",
}


def put(root: Path) -> Path:
    return packages._put("arm64", ["musl"], [Path("0123.deb")], root, lambda _: (FILES, {}))


def write_same_size_and_time(folder: Path) -> None:
    header = folder / "include/stdio.h"
    status = header.stat()
    header.write_bytes(FILES["include/stdio.h"].replace(b"puts", b"gets"))
    os.utime(header, ns=(status.st_atime_ns, status.st_mtime_ns))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "changed": write_same_size_and_time,
    "emptied": lambda folder: (folder / "lib/libc.a").write_bytes(b""),
    "removed": lambda folder: (folder / "include/sys/a.h").unlink(),
    "added": lambda folder: (folder / "include/sys/b.h").touch(),
    "renamed": lambda folder: (folder / "include/sys/a.h").rename(folder / "include/a.h"),
    "a link": lambda folder: (folder / "include/sys/b.h").symlink_to("nowhere"),
    "no facts": lambda folder: (folder / "facts.json").unlink(),
    "empty facts": lambda folder: (folder / "facts.json").write_bytes(b""),
    "other facts": lambda folder: (folder / "facts.json").write_text("[]"),
    "facts of old": lambda folder: (folder / "facts.json").write_text('{"sizes": {}}'),
}


def test_folder_is_intact_as_it_was_unpacked_and_wherever_it_is(tmp_path: Path) -> None:
    folder = put(tmp_path / "cache")
    assert packages.intact(folder)
    assert json.loads((folder / "facts.json").read_text())["package"] == "musl"
    (tmp_path / "cache").rename(tmp_path / "a longer place")
    assert packages.intact(tmp_path / "a longer place" / folder.name)


def test_what_a_killed_process_left_is_removed_and_what_another_one_makes_is_not(
    tmp_path: Path,
) -> None:
    for left in (".new-arm64-12345678", ".new-arm64-v8-12345678", ".new-x86_64-12345678"):
        (tmp_path / left / "new").mkdir(parents=True)
    folder = put(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(folder.name, "arm64"),
        *(".new-arm64-v8-12345678", ".new-x86_64-12345678"),
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_folder_that_was_damaged_is_told_and_unpacked_again(tmp_path: Path, damage: str) -> None:
    folder = put(tmp_path)
    DAMAGES[damage](folder)
    assert not packages.intact(folder)
    assert put(tmp_path) == folder
    assert packages.intact(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
