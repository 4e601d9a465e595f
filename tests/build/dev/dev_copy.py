"""A checkout of ./dev and what it reads, and how it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def copy_of_dev(folder: Path, requirements: str = "") -> Path:
    """Make a checkout of what ./dev reads, which by default needs no package of Python."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "dev", folder / "dev")
    (folder / "base").mkdir()
    shutil.copy2(ROOT / "base/launch.py", folder / "base/launch.py")
    (folder / "requirements.lock").write_text(requirements)
    return folder / "dev"


def run(
    dev: Path | str, *arguments: str, path: Path | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path) if path else os.environ["PATH"], "HOME": "/nonexistent"}
    environment |= {"PIP_NO_INDEX": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return subprocess.run(
        [str(dev), *arguments], capture_output=True, text=True, env=environment, **options
    )
