"""./dev --no-root on a machine that has only Python: everything else comes by its packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import Tree, assert_same, check_out, download_cache
from static_program import assert_no_path, assert_static
from toolbox import Toolbox

# What a script and Python may expect of any system: no compiler, no binutils, no bpftool.
BASICS = ("sh", "cat", "cmp", "dirname", "rm", "seq", "env")
BUILD = ("ARCH=arm64", "app=hello", "bpftool=source")  # which ./dev would find beside PATH
TIMEOUT_S = 1200  # the first time on a machine: two libcs are compiled


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkout in which ./dev --no-root built hello once for all workers; what it printed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "no root"
    folder.mkdir(exist_ok=True)
    said = folder / "said"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(folder / "tree", ignore_errors=True)
            check_out(folder / "tree")
            box = Toolbox(folder / "bin").link(*BASICS)
            (box.folder / "python3").symlink_to(sys.executable)
            done = run(folder / "tree", "scons", "-Q", *BUILD)
            said.write_text(done.stdout + done.stderr)
            assert done.returncode == 0, said.read_text()
    return folder / "tree", said.read_text()


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run ./dev --no-root with nothing but the basics in PATH."""
    names = [name for name in os.environ if name.startswith("PIP_")]  # where packages are had
    env = {name: os.environ[name] for name in ("HOME", *names) if name in os.environ}
    env |= {"PATH": str(tree.parent / "bin"), "DROIDBPF_CACHE": str(download_cache())}
    return subprocess.run(
        ["./dev", "--no-root", *command],
        cwd=tree,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def program(tree: Path) -> Path:
    return tree / "build/arm64-zig/apps/hello/hello"


def test_python_alone_builds_a_static_program(alone: tuple[Path, str]) -> None:
    tree, said = alone
    assert said.startswith("dev: making .venv-no-root\n") or "\ndev: making .venv-no-root\n" in said
    assert "  LINK     build/arm64-zig/apps/hello/hello\n" in said
    assert_static(program(tree))
    assert_no_path(program(tree), str(tree), str(download_cache()))


def test_the_libc_is_made_in_steps_that_say_so_before_the_program(alone: tuple[Path, str]) -> None:
    made = [line.split()[:2] for line in alone[1].splitlines() if line.startswith("  ")]
    libc = ["LIBC", "build/arm64-zig/libc/empty"]
    assert ["RTLIB", "build/arm64-zig/libc/libcompiler_rt.a"] in made[: made.index(libc)]
    assert ["LINK", "build/arm64-zig/apps/hello/hello"] in made[made.index(libc) :]


def test_second_time_nothing_is_made(alone: tuple[Path, str]) -> None:
    done = run(alone[0], "scons", "-Q", *BUILD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "scons: `hello' is up to date.\n", "")


def test_zig_of_another_place_gives_the_same_bytes(
    alone: tuple[Path, str], toolbox: Toolbox, tmp_path: Path
) -> None:
    """Here it is in PATH, in a folder of another length, and builds in another folder."""
    (package,) = (alone[0] / ".venv-no-root/lib").glob("python3*/site-packages/ziglang")
    place = tmp_path / "a zig of another place"
    shutil.copytree(package, place, copy_function=os.link)
    (toolbox.folder / "zig").symlink_to(place / "zig")
    other = check_out(tmp_path / "tree")
    other.scons("toolchain=zig", *BUILD, env=toolbox.first)
    mine = Tree(alone[0]).products("arm64-zig/")
    assert_same(mine, other.products("arm64-zig/"))
    assert other.scons("toolchain=zig", *BUILD, env=toolbox.first).commands == []
