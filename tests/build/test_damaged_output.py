"""An output that is not what its step left is made again; nothing else is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import flat
import pytest
from checkout import Tree, assert_same


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def replace(path: Path) -> None:
    """Write other bytes of the same size, at another time."""
    path.write_bytes(bytes(path.stat().st_size))


WAYS: list[Callable[[Path], None]] = [empty, cut, replace]
PROGRAMS = ["apps/hello/hello", "apps/hello/hello.debug"]
OBJECTS = [
    *("apps/hello/hello.o", "apps/hello/hello.tmp.bpf.o", "apps/hello/hello.bpf.o"),
    *("apps/hello/hello.skel.h", "vmlinux/own.pch", "third_party/libbpf.a", "btfhub/libdroidbpf.a"),
]
SHARED = ["vmlinux/arm64/vmlinux.h", "third_party/include/zlib.h"]


def damage(tree: Tree, way: Callable[[Path], None]) -> None:
    for name in [*PROGRAMS, *OBJECTS]:
        way(tree.variant / name)
    for name in SHARED:
        way(tree.build / name)


@pytest.mark.parametrize("way", WAYS)
def test_damaged_outputs_are_made_again(tree: Tree, way: Callable[[Path], None]) -> None:
    before = tree.products()
    damage(tree, way)
    tree.scons()
    assert_same(before, tree.products())


def test_one_damaged_output_costs_its_own_step_only(tree: Tree) -> None:
    before = tree.products()
    for name in [*PROGRAMS, *OBJECTS]:
        cut(tree.variant / name)
        assert tree.scons().made == [name.removesuffix(".debug")]
    assert_same(before, tree.products())


def test_touched_outputs_are_what_they_were(tree: Tree) -> None:
    for path in tree.build.rglob("*"):
        if path.is_file():
            os.utime(path)
    assert tree.scons().made == []


def test_damaged_source_of_an_archive_is_extracted_again(tree: Tree) -> None:
    before = tree.products()
    (tree.variant / "third_party/libz.a").unlink()
    (tree.variant / "third_party/libz/adler32.o").unlink()
    empty(next(tree.build.glob("third_party/zlib-*/adler32.c")))
    tree.scons()
    assert_same(before, tree.products())


def test_damaged_output_of_apps_scripts_is_made_again(tree: Tree) -> None:
    (tree.source("hello") / "table.py").write_text(
        "import sys\nopen(sys.argv[1], 'w').write('#define TABLE 1\\n')\n"
    )
    (tree.source("hello") / "SConscript").write_text(
        'Import("env")\nenv.Generate("table.h", "table.py", {"macros": env.Macros("errno.h")})\n'
    )
    tree.edit("apps/hello/hello.c", "int main", '#include "table.h"\nint main')
    tree.scons("hello")
    before = tree.products()
    for name in ("table.h", "errno.h.macros"):
        cut(tree.app("hello") / name)
        tree.scons("hello")
        assert_same(before, tree.products())


def test_damaged_output_that_is_made_of_no_file_is_made_again(tree: Tree) -> None:
    (tree.source("hello") / "SConscript").write_text(
        'Import("env")\n'
        'step = env.Step("COPY", "cp LICENSE ${TARGET}.tmp")\n'
        'env.Default(env.Command("#build/copy", [], step))\n'
    )
    tree.scons()
    empty(tree.build / "copy")
    tree.scons()
    assert (tree.build / "copy").read_bytes() == (tree.path / "LICENSE").read_bytes()
    assert tree.scons().commands == []


def test_damaged_compile_commands_are_written_again(tree: Tree) -> None:
    tree.scons("compile_commands.json")
    before = tree.products()
    empty(tree.build / "compile_commands.json")
    tree.scons("compile_commands.json")
    assert_same(before, tree.products())


def test_damaged_precompiled_types_of_an_app_are_made_again(tree: Tree, tmp_path: Path) -> None:
    folder = flat.write(tmp_path / "flat", "one")
    (folder / "vmlinux.h").write_bytes((tree.build / "vmlinux/arm64/vmlinux.h").read_bytes())
    tree.scons(f"apps_dir={folder}")
    before = tree.products()
    empty(tree.variant / "vmlinux/apps.pch")
    tree.scons(f"apps_dir={folder}")
    assert_same(before, tree.products())
