"""Asking changes nothing: -n, -q, -h, list and doctor leave tree, build folder and cache alone."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from checkout import Result, Tree, check_out

import toolchains
from base.errors import DroidbpfError

Snapshot = dict[str, tuple[object, ...]]
# Options and targets, and the statuses that they may end with.
ASKED = {
    "dry-run": (("-n",), {0}),
    "dry-run among other options": (("-kn", "-j2"), {0}),
    "question": (("-q",), {0, 1}),
    "question among other options": (("-kq", "V=1"), {0, 1}),
    "clean, dry": (("-cn",), {0}),
    "help": (("-h",), {0}),
    "list": (("list",), {0}),
    "doctor": (("doctor",), {0, 2}),
}
TOOLCHAINS = ("gnu", "musl", "zig", "ndk")


def snapshot(*folders: Path) -> Snapshot:
    """Return all that there is in folders: modes, sizes, times, where links lead.

    What is written to gets another ctime, which nobody can set back.
    """
    found: Snapshot = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            if path.is_symlink() or path.exists():
                found[str(path)] = _facts(path)
    return found


def _facts(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    target = str(path.readlink()) if stat.S_ISLNK(status.st_mode) else ""
    times = status.st_mtime_ns, status.st_ctime_ns
    return stat.filemode(status.st_mode), status.st_ino, status.st_size, *times, target


@pytest.fixture(params=TOOLCHAINS)
def toolchain(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The options that choose each toolchain that this machine has, or can fetch."""
    name: str = request.param
    if name == "ndk":
        return ["toolchain=ndk", f"ndk={request.getfixturevalue('ndk')}"]
    probes = toolchains.Probes(tmp_path / "probes.json", os.environ["PATH"])
    try:
        toolchains.pick(name, "arm64", probes, toolchains.Request())
    except DroidbpfError as error:
        pytest.skip(error.message)
    return [f"toolchain={name}"]


def assert_leaves_all_as_it_was(tree: Tree, cache: Path, home: Path, *args: str) -> Result:
    before = snapshot(tree.path, cache, home)
    result = tree.run(*args, env={"DROIDBPF_CACHE": str(cache), "HOME": str(home)})
    after = snapshot(tree.path, cache, home)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert not changed, result.out + result.err
    assert result.commands == []
    return result


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_asked_of_a_fresh_clone(tmp_path: Path, home: Path, toolchain: list[str]) -> None:
    tree = check_out(tmp_path / "tree")
    for name, (asked, statuses) in ASKED.items():
        result = assert_leaves_all_as_it_was(tree, tmp_path / "cache", home, *toolchain, *asked)
        assert result.status in statuses, result.err
        assert "Traceback" not in result.err
        assert name != "question" or result.out == ""
    assert not tree.build.exists()
    assert not (tmp_path / "cache").exists()


def test_asked_of_a_fresh_clone_by_the_environment(tmp_path: Path, home: Path) -> None:
    tree = check_out(tmp_path / "tree")
    for flags in ("-Qn", "-Q -k -n", "-Q --dry-run", "-Q --question", "-Q --just-print"):
        tree.env = {"SCONSFLAGS": flags}
        assert_leaves_all_as_it_was(tree, tmp_path / "cache", home)


def _nothing(tree: Tree) -> None:
    pass


def _edited(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "int more;\n")
    tree.append("apps/hello/hello.bpf.c", "int more;\n")


def _edited_tools(tree: Tree) -> None:
    tree.append("third_party/sources.toml", "\n")
    tree.append("toolchains/probe.py", "\n")


def _damaged(tree: Tree) -> None:
    for pattern in ("*/vmlinux/*.pch", "probes.json", "*/third_party/*.a", "*/zig/lib"):
        for path in tree.build.glob(pattern):
            path.unlink()
    for path in tree.build.glob("*/btfhub/*.a"):
        path.write_bytes(b"")
    shutil.rmtree(tree.build / "musl", ignore_errors=True)


def _interrupted(tree: Tree) -> None:
    (tree.build / "lock").write_text(f"{tree.app('hello')}/hello\n")


OF_GNU = [_nothing, _edited, _edited_tools, _damaged, _interrupted]
OF_OTHERS = [_nothing, _damaged]  # which have other files; a tree of zig's takes minutes
BUILT = [
    *(("gnu", change) for change in OF_GNU),
    *((other, change) for other in ("musl", "ndk") for change in OF_OTHERS),
]


@pytest.mark.parametrize(("toolchain", "change"), BUILT, indirect=["toolchain"])
def test_asked_of_a_built_tree(
    tmp_path: Path,
    home: Path,
    toolchain: list[str],
    change: Callable[[Tree], None],
    request: pytest.FixtureRequest,
) -> None:
    name = toolchain[0].removeprefix("toolchain=")
    built: Tree = request.getfixturevalue({"gnu": "template"}.get(name, f"{name}_tree"))
    tree = built.copy(tmp_path / "tree")
    change(tree)
    for asked, statuses in ASKED.values():
        result = assert_leaves_all_as_it_was(tree, tmp_path / "cache", home, *toolchain, *asked)
        assert result.status in statuses, result.err
    shutil.rmtree(tree.path)
