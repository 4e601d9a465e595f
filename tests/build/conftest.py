"""Fixtures of the build tests: one tree is built once a session; each test gets a copy of it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import ndk_shape
import no_root
import pytest
from checkout import ARCH, ROOT, TRIPLE, Result, Tree, check_out, download_cache
from musl_packages import skip_without_musl
from toolbox import Toolbox

from base.errors import DroidbpfError


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _built_once(
    folder: Path,
    arch: str,
    make: Callable[[Path], Tree],
    *args: str,
    env: Mapping[str, str] | None = None,
) -> Tree:
    """Make a tree and build it, unless another worker did."""
    folder.mkdir(exist_ok=True)
    tree = Tree(folder / "tree", dict(env or {}), arch)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _steps(tree).exists():
            shutil.rmtree(tree.path, ignore_errors=True)
            make(tree.path)
            result = tree.scons("-j4", *args, env={"DROIDBPF_CACHE": _filled_cache(tree)})
            _steps(tree).write_text(json.dumps([result.out, result.commands]))
    return tree


def _steps(tree: Tree) -> Path:
    return tree.path.with_name("template.json")


def _first(tree: Tree) -> Result:
    out, commands = json.loads(_steps(tree).read_text())
    return Result(0, out, "", commands)


def _filled_cache(tree: Tree) -> str:
    return tree.environment({})["DROIDBPF_CACHE"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A built tree that no test may change."""
    return _built_once(_shared(tmp_path_factory) / "template", Tree(Path()).arch, check_out)


@pytest.fixture(scope="session")
def first_build(template: Tree) -> Result:
    """What the build of the template did."""
    return _first(template)


@pytest.fixture(scope="session")
def another_compiler(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The template, built once more by a gcc in a folder of its own; no test may change it.

    A script `hook` beside a copy of the tree is run before the compiler, as a part of the command
    that calls it: a test that needs another behaviour compiles no library again. There is no g++.
    """
    folder = _shared(tmp_path_factory) / "another-compiler"
    tools = folder / "of $mine, too"
    folder.mkdir(exist_ok=True)
    with (folder / "lock of the tools").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tools.exists():
            box = Toolbox(tools)
            box.wrap(f"{TRIPLE}-gcc", f"{TRIPLE}-gcc", first="[ -e ../hook ] && . ../hook")
            for name in ("ar", "strip", "objcopy"):
                box.wrap(f"{TRIPLE}-{name}", f"{TRIPLE}-{name}")
    env = {"PATH": f"{tools}:{os.environ['PATH']}"}
    return _built_once(folder, template.arch, template.copy, env=env)


@pytest.fixture(scope="session")
def build_by_another_compiler(another_compiler: Tree) -> Result:
    """What that build did."""
    return _first(another_compiler)


@pytest.fixture(scope="session")
def with_own_bpftool(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The template, built once more with bpftool=source; no test may change it."""
    folder = _shared(tmp_path_factory) / "bpftool"
    return _built_once(folder, template.arch, template.copy, "bpftool=source")


@pytest.fixture(scope="session")
def build_of_bpftool(with_own_bpftool: Tree) -> Result:
    """What that build did."""
    return _first(with_own_bpftool)


@pytest.fixture(scope="session")
def host_tree(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The template, in which hello is also built for x86_64, its libraries, too."""
    if platform.machine() != "x86_64":
        pytest.skip("programs for x86_64 run on x86_64")
    return _built_once(_shared(tmp_path_factory) / "host", "x86_64", template.copy, "hello")


@pytest.fixture(scope="session")
def musl_tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree in which hello is built for musl by the distribution's clang."""
    skip_without_musl(tmp_path_factory.mktemp("probes") / "x.json", ARCH)
    folder = _shared(tmp_path_factory) / "musl"
    return _built_once(folder, ARCH, check_out, "toolchain=musl", "hello")


@pytest.fixture(scope="session")
def ndk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The NDK of $DROIDBPF_TEST_NDK, or a folder of its shape."""
    try:
        return ndk_shape.given_or_made(_shared(tmp_path_factory))
    except DroidbpfError as error:
        pytest.skip(f"no NDK, and none can be made: {error.message}")


@pytest.fixture(scope="session")
def ndk_tree(ndk: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree in which hello is built by the NDK."""
    folder = _shared(tmp_path_factory) / "by-ndk"
    return _built_once(folder, ARCH, check_out, "toolchain=ndk", f"ndk={ndk}", "hello")


@pytest.fixture(scope="session")
def archives() -> None:
    """Every pinned archive is in the cache: a machine that has only Python may not get them all."""
    environment = os.environ | {"DROIDBPF_CACHE": str(download_cache())}
    command = [sys.executable, "-m", "fetch", "get"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def alone(archives: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkout in which ./dev --no-root built hello, and what it printed."""
    folder = _shared(tmp_path_factory) / "no root"
    folder.mkdir(exist_ok=True)
    said = folder / "said"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(folder / "tree", ignore_errors=True)
            check_out(folder / "tree")
            no_root.make_basics(folder / "bin")
            done = no_root.run(folder / "tree", "scons", "-Q", *no_root.BUILD)
            said.write_text(done.stdout + done.stderr)
            assert done.returncode == 0, said.read_text()
    return folder / "tree", said.read_text()


@pytest.fixture
def tree(template: Tree, tmp_path: Path) -> Iterator[Tree]:
    """A built tree of the test's own; at the end, its last good build must be up to date."""
    yield from _own(template, tmp_path)


@pytest.fixture(scope="module")
def refusing(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A built tree for runs that are refused before their first step, which a file's tests share.

    At the end it must be up to date.
    """
    own = template.copy(tmp_path_factory.mktemp("refusing") / "tree")
    yield own
    own.assert_up_to_date()
    shutil.rmtree(own.path)


@pytest.fixture
def hooked(another_compiler: Tree, tmp_path: Path) -> Iterator[Tree]:
    """As `tree`, built by `another_compiler`, whose hook is beside it."""
    yield from _own(another_compiler, tmp_path)


def _own(built: Tree, folder: Path) -> Iterator[Tree]:
    own = built.copy(folder / "tree")
    yield own
    try:
        if own.last:
            args, env = own.last
            own.assert_up_to_date(*args, env=env)
    finally:
        shutil.rmtree(own.path)


@pytest.fixture
def toolbox(tmp_path: Path) -> Toolbox:
    """A folder of programs to be put into PATH."""
    return Toolbox(tmp_path / "toolbox")
