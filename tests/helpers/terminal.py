"""Runs a command whose stderr is a terminal, and gives what a person sees there."""

import os
import pty
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def shown_by(
    command: Sequence[object], folder: Path, env: Mapping[str, str], columns: int
) -> bytes:
    """Run a command to its end, which must be a good one; stdout is dropped."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with subprocess.Popen(
        list(map(str, command)), cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=theirs
    ) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert child.returncode == 0
    return shown
