"""./dev --no-root on a machine that has only Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from checkout import download_cache
from toolbox import Toolbox

# What a script and Python may expect of any system: no compiler, no binutils, no bpftool.
BASICS = ("sh", "cat", "cmp", "dirname", "rm", "seq", "env", "readlink")
BUILD = ("ARCH=arm64", "app=hello", "bpftool=source")  # which ./dev would find beside PATH
TIMEOUT_S = 1200  # the first time on a machine: two libcs are compiled


def make_basics(folder: Path) -> None:
    """Make a folder of programs that stands for such a machine's PATH."""
    box = Toolbox(folder).link(*BASICS)
    (box.folder / "python3").symlink_to(sys.executable)


def run(tree: Path, *command: str, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ./dev --no-root with nothing but the basics in PATH.

    Args:
        cache: in place of the user's.
    """
    names = [name for name in os.environ if name.startswith("PIP_")]  # where packages are had
    env = {name: os.environ[name] for name in ("HOME", *names) if name in os.environ}
    env |= {"PATH": str(tree.parent / "bin"), "DROIDBPF_CACHE": str(cache or download_cache())}
    return subprocess.run(
        ["./dev", "--no-root", *command],
        cwd=tree,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
