"""What a build leaves on a disk that was full does no harm once there is space again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Tree, assert_same

KB = 1024


@pytest.fixture
def small(tree: Tree) -> Iterator[Tree]:
    """A built tree whose build folder is a file system of its own, with a little space left."""
    original = tree.build.rename(tree.path / "original")
    tree.build.mkdir()
    used = sum(path.stat().st_size + 4 * KB for path in original.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={used + (16 << 20)}", "tmpfs", str(tree.build)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        original.rename(tree.build)
        pytest.skip(f"no file system can be mounted: {done.stderr.strip()}")
    try:
        subprocess.run(["cp", "-a", f"{original}/.", str(tree.build)], check=True)
        yield tree
    finally:
        tree.last = None
        subprocess.run(["umount", str(tree.build)], check=True)
        shutil.rmtree(original)


def fill(tree: Tree, left: int) -> Path:
    """Leave so many bytes of space in the build folder; return the file that takes the rest."""
    filler = tree.build / "filler"
    status = os.statvfs(tree.build)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - left)
    return filler


def forget(tree: Tree) -> None:
    """Have the next start write all that it keeps for itself, and compile one app."""
    shutil.rmtree(tree.path / ".venv/pycache")
    (tree.build / "probes.json").unlink()
    shutil.rmtree(tree.app("hello"))


@pytest.mark.parametrize("left", [0, 4 * KB, 40 * KB, 200 * KB, 600 * KB, 1200 * KB, 2400 * KB])
def test_a_build_on_a_full_disk_leaves_nothing_that_hurts(small: Tree, left: int) -> None:
    before = small.products()
    forget(small)
    filler = fill(small, left)
    done = subprocess.run(
        small.command("-j2"),
        cwd=small.path,
        env=small.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed, printed
    assert done.returncode in (0, 2), printed
    assert done.returncode == 0 or "error: " in printed
    filler.unlink()
    small.scons()
    assert_same(
        before, {n: d for n, d in small.products().items() if not n.endswith((".tmp", ".d"))}
    )
    assert small.scons().commands == []


def test_a_cut_compiled_module_is_compiled_again(tree: Tree) -> None:
    tree.scons()
    for path in sorted((tree.path / ".venv/pycache").rglob("*.pyc")):
        os.truncate(path, path.stat().st_size - 1)
    assert tree.scons().commands == []
