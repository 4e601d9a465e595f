"""Runs a script of env.Generate(); its failure is one line, SCRIPT:LINE: error: …, and status 1."""

from __future__ import annotations

import os
import runpy
import sys
import traceback


def run(script: str, output: str, *inputs: str) -> str:
    """Run a script with these arguments; return why it failed, or ""."""
    sys.argv = [script, output, *inputs]
    sys.path[0] = os.path.dirname(script)
    try:
        runpy.run_path(script, run_name="__main__")
    except Exception as error:
        place, reason = fault(script, error)
        return f"{place}: error: {reason}"
    return "" if os.path.exists(output) else f"{script}:1: error: it did not write {output}"


def fault(script: str, error: BaseException) -> tuple[str, str]:
    """Return where a script failed, SCRIPT:LINE, and why, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    path = os.path.abspath(script)
    lines = [frame.lineno for frame in frames if os.path.abspath(frame.filename) == path]
    line = (lines[-1] if lines else getattr(error, "lineno", None)) or 1
    return f"{script}:{line}", f"{type(error).__name__}: {error}".partition("\n")[0]


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]) or 0)
