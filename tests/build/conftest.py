"""Fixtures of the build tests: one tree is built once a session; each test gets a copy of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Result, Tree, check_out
from toolbox import Toolbox


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _built_once(folder: Path, arch: str) -> Tree:
    """Check out and build, unless another worker did."""
    folder.mkdir(exist_ok=True)
    tree = Tree(folder / "tree", arch=arch)
    steps = folder / "template.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not steps.exists():
            shutil.rmtree(tree.path, ignore_errors=True)
            check_out(tree.path)
            result = tree.scons("-j4", env={"DROIDBPF_CACHE": _filled_cache(tree)})
            steps.write_text(json.dumps([result.out, result.commands]))
    return tree


def _filled_cache(tree: Tree) -> str:
    return tree.environment({})["DROIDBPF_CACHE"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A built tree that no test may change."""
    return _built_once(_shared(tmp_path_factory) / "template", Tree(Path()).arch)


@pytest.fixture(scope="session")
def first_build(template: Tree) -> Result:
    """What the build of the template did."""
    out, commands = json.loads(template.path.with_name("template.json").read_text())
    return Result(0, out, "", commands)


@pytest.fixture
def tree(template: Tree, tmp_path: Path) -> Iterator[Tree]:
    """A built tree of the test's own; at the end, its last good build must be up to date."""
    own = template.copy(tmp_path / "tree")
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
