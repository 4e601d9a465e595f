"""Python programs of a build run whatever a full disk left of their compiled modules."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from base import launch

MODULE = "import json, sys\nfrom package import other\n"
OTHER = "WORDS = ('a constant', 2, [3.5, None])\n\n\ndef double(x):\n    return 2 * x\n"
SCRIPT = "import beside, sys\nprint(beside.NAME, sys.argv)\n"
MAIN = f"{MODULE}print(other.double(21), *sys.argv[1:])\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    shutil.copy(launch.__file__, tmp_path / "base")
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "package/other.py").write_text(OTHER)
    (tmp_path / "package/__main__.py").write_text(MAIN)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/beside.py").write_text("NAME = 'beside'\n")
    (tmp_path / "scripts/script.py").write_text(
        "import beside, sys\nprint(beside.NAME, sys.argv)\n"
    )
    return tmp_path


def run(tree: Path, *arguments: str) -> str:
    command = [sys.executable, "base/launch.py", *arguments]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_runs_with_its_arguments(tree: Path) -> None:
    assert run(tree, "-m", "package", "one", "-m") == "42 one -m\n"


def test_a_script_runs_with_its_arguments_and_the_modules_beside_it(tree: Path) -> None:
    assert run(tree, "scripts/script.py", "a b") == "beside ['scripts/script.py', 'a b']\n"


def test_our_compiled_modules_are_in_the_environment(tree: Path) -> None:
    run(tree, "-m", "package")
    run(tree, "scripts/script.py")
    compiled = list(tree.rglob("*.pyc"))
    assert compiled
    assert all(path.is_relative_to(tree / ".venv/pycache") for path in compiled)


def test_cut_modules_are_compiled_again(tree: Path) -> None:
    run(tree, "-m", "package")
    (path,) = (tree / ".venv/pycache").rglob("other*.pyc")
    whole = path.read_bytes()
    header = 16
    for size in (0, 1, header - 1, header, header + 1, *range(64, len(whole), 64), len(whole) - 1):
        path.write_bytes(whole[:size])
        assert run(tree, "-m", "package") == "42\n"
        assert path.read_bytes()[:header] == whole[:header], "it was not mended"


def test_a_source_that_does_not_compile_is_reported_as_ever(tree: Path) -> None:
    (tree / "package/other.py").write_text("def (")
    command = [sys.executable, "base/launch.py", "-m", "package"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert "SyntaxError" in done.stderr
    assert done.returncode == 1
