"""The files of the checkout that git tracks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[str]:
    """Return the files that git tracks and that exist, by their paths below ROOT."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, or git is missing")
    names = os.fsdecode(listing.stdout).split("\0")
    return [name for name in names if name and (ROOT / name).exists()]


def pages() -> list[str]:
    """Return the pages of the documentation."""
    return tracked("*.md")
