"""The folder of a package's files that is in use is whole, or is unpacked again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from base.settings import Settings
from vm import store

FILES = {
    "Image": b"image",
    "empty.ko": b"",
    "virtio.ko": b"a",
}


def put(root: Path) -> Path:
    return store._put("6.1", "linux", Path("0123"), root, lambda _: (FILES, {}))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda folder: (folder / "Image").write_bytes(b""),
    "removed": lambda folder: (folder / "empty.ko").unlink(),
    "renamed": lambda folder: (folder / "empty.ko").rename(folder / "other.ko"),
    "no facts": lambda folder: (folder / "facts.json").unlink(),
    "empty facts": lambda folder: (folder / "facts.json").write_bytes(b""),
    "other facts": lambda folder: (folder / "facts.json").write_text("[]"),
}


def test_what_a_killed_process_left_is_removed_and_what_another_one_makes_is_not(
    tmp_path: Path,
) -> None:
    for left in (".new-6.1-12345678", ".new-6.12-12345678", ".new-busybox-12345678"):
        (tmp_path / left / "new").mkdir(parents=True)
    folder = put(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(folder.name, "6.1"),
        *(".new-6.12-12345678", ".new-busybox-12345678"),
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_folder_that_is_not_whole_is_not_in_use_and_is_unpacked_again(
    tmp_path: Path, damage: str
) -> None:
    settings = Settings(tmp_path)
    (tmp_path / "vm").mkdir()
    folder = put(tmp_path / "vm")
    assert store.current("6.1", settings) == folder
    DAMAGES[damage](folder)
    assert store.current("6.1", settings) is None
    assert put(tmp_path / "vm") == folder
    assert store.current("6.1", settings) == folder
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
