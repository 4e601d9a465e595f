"""./dev --no-root on a machine that has only Python: everything else comes by its packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from checkout import Tree, assert_same, check_out, download_cache
from no_root import BUILD, run
from static_program import assert_no_path, assert_static
from test_dry import ASKED, assert_leaves_all_as_it_was
from toolbox import Toolbox


def program(tree: Path) -> Path:
    return tree / "build/arm64-zig/apps/hello/hello"


def test_python_alone_builds_a_static_program(alone: tuple[Path, str]) -> None:
    tree, said = alone
    assert "dev: creating .venv-no-root" in said.splitlines()
    assert "  LINK     build/arm64-zig/apps/hello/hello\n" in said
    assert_static(program(tree))
    assert_no_path(program(tree), str(tree), str(download_cache()))


def test_the_libc_is_made_in_steps_that_say_so_before_the_program(alone: tuple[Path, str]) -> None:
    made = [line.split()[:2] for line in alone[1].splitlines() if line.startswith("  ")]
    libc = ["LIBC", "build/arm64-zig/libc/empty"]
    assert ["RTLIB", "build/arm64-zig/libc/libcompiler_rt.a"] in made[: made.index(libc)]
    assert ["LINK", "build/arm64-zig/apps/hello/hello"] in made[made.index(libc) :]
    kept = {path.name for path in (alone[0] / "build/arm64-zig/libc").iterdir()}
    assert kept == {"libcompiler_rt.a", "empty"}


def test_second_time_nothing_is_made(alone: tuple[Path, str]) -> None:
    done = run(alone[0], "scons", "-Q", *BUILD)
    said = done.stderr.replace("waiting for another build in this folder\n", "")  # of a worker's
    assert (done.returncode, done.stdout, said) == (0, "scons: `hello' is up to date.\n", "")


@pytest.mark.parametrize("toolchain", ["auto", "zig"])
def test_cache_that_cannot_be_written_is_reported_however_zig_is_come_by(
    alone: tuple[Path, str], tmp_path: Path, toolchain: str
) -> None:
    (tmp_path / "file").touch()
    done = run(alone[0], "scons", "-Q", f"toolchain={toolchain}", *BUILD, cache=tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "  ZIG      build/zig/ready\n")
    assert done.stderr.endswith(
        f"error: cannot write to the cache {tmp_path}/file/zig: Not a directory\n"
        "hint: make it writable, or set DROIDBPF_CACHE to another folder\n"
    )


def test_asking_leaves_a_fresh_clone_and_an_empty_cache_as_they_were(
    alone: tuple[Path, str], tmp_path: Path, toolbox: Toolbox
) -> None:
    (package,) = (alone[0] / ".venv-no-root/lib").glob("python3*/site-packages/ziglang")
    (toolbox.folder / "zig").symlink_to(package / "zig")
    tree = check_out(tmp_path / "tree")
    tree.env = toolbox.first
    (tmp_path / "home").mkdir()
    places = (tmp_path / "cache", tmp_path / "home")
    for asked, statuses in ASKED.values():
        result = assert_leaves_all_as_it_was(tree, *places, "toolchain=zig", *asked)
        assert result.status in statuses, result.err


def test_zig_of_another_place_gives_the_same_bytes(alone: tuple[Path, str], tmp_path: Path) -> None:
    """Here it is in PATH, in a folder of another length, and builds in another folder."""
    toolbox = Toolbox(tmp_path / "a folder of $programs")
    (package,) = (alone[0] / ".venv-no-root/lib").glob("python3*/site-packages/ziglang")
    place = tmp_path / "a zig of another place"
    shutil.copytree(package, place, copy_function=os.link)
    (toolbox.folder / "zig").symlink_to(place / "zig")
    other = check_out(tmp_path / "tree")
    other.scons("toolchain=zig", *BUILD, env=toolbox.first)
    parts = [f"arm64-zig/{name}" for name in ("apps/hello/", "btfhub/", "compat/", "third_party/")]
    assert_same(Tree(alone[0]).products(*parts), other.products(*parts))
    assert other.scons("toolchain=zig", *BUILD, env=toolbox.first).commands == []
