"""What git tracks is formatted, linted and typed as pyproject.toml says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def tracked() -> list[str]:
    """Give the Python files that git tracks and that are there."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "*.py"], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout, or git is not on this machine")
    names = os.fsdecode(listing.stdout).split("\0")
    return [name for name in names if name and (ROOT / name).exists()]


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", "--no-cache", "--force-exclude", *tracked())


def test_ruff_would_format_nothing() -> None:
    run("ruff", "format", "--no-cache", "--check", "--force-exclude", *tracked())


def test_mypy_finds_nothing_in_strict_mode(tmp_path: Path) -> None:
    tracked()
    run("mypy", "--strict", f"--cache-dir={tmp_path}")


def test_every_module_of_the_product_says_what_it_is_in_under_300_lines() -> None:
    for name in tracked():
        text = (ROOT / name).read_text()
        if text and not name.startswith("tests/"):
            assert text.startswith('"""'), f"{name} has no docstring"
            assert text.count("\n") < 300, f"{name} has 300 lines or more"
