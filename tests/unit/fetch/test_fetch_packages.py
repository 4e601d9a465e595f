"""Folders of packages' files: the one in use is whole, or is unpacked again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from base.settings import Settings
from fetch import packages

FILES = {
    "include/stdio.h": b"int puts(const char *);\n",
    "include/sys/a.h": b"",
    "lib/libc.a": b"a",
}


def put(root: Path) -> Path:
    return packages._put("arm64", ["musl"], [Path("0123.deb")], root, lambda _: (FILES, {}))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda folder: (folder / "lib/libc.a").write_bytes(b""),
    "removed": lambda folder: (folder / "include/sys/a.h").unlink(),
    "renamed": lambda folder: (folder / "include/sys/a.h").rename(folder / "include/a.h"),
    "no facts": lambda folder: (folder / "facts.json").unlink(),
    "empty facts": lambda folder: (folder / "facts.json").write_bytes(b""),
    "other facts": lambda folder: (folder / "facts.json").write_text("[]"),
}


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
def test_folder_that_is_not_whole_is_not_in_use_and_is_unpacked_again(
    tmp_path: Path, damage: str
) -> None:
    settings = Settings(tmp_path)
    (tmp_path / "kind").mkdir()
    folder = put(tmp_path / "kind")
    assert packages.current("kind", "arm64", settings) == folder
    DAMAGES[damage](folder)
    assert packages.current("kind", "arm64", settings) is None
    assert put(tmp_path / "kind") == folder
    assert packages.current("kind", "arm64", settings) == folder
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
