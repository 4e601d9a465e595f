"""What git tracks is formatted, linted and typed as pyproject.toml says."""

from __future__ import annotations

import subprocess
import sys

from tracked import ROOT, tracked


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", "--no-cache", "--force-exclude", *tracked("*.py"))


def test_ruff_would_format_nothing() -> None:
    run("ruff", "format", "--no-cache", "--check", "--force-exclude", *tracked("*.py"))


def test_mypy_finds_nothing_in_strict_mode() -> None:
    run("mypy", "--strict")


def test_every_module_of_the_product_says_what_it_is_in_under_300_lines() -> None:
    for name in tracked("*.py"):
        text = (ROOT / name).read_text()
        if text and not name.startswith("tests/"):
            assert text.startswith('"""'), f"{name} has no docstring"
            assert text.count("\n") < 300, f"{name} has 300 lines or more"
