"""Programs of one line of shell, for the tests of what is asked of programs."""

from pathlib import Path


def program(folder: Path, name: str, script: str = "") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def answer(folder: Path, name: str, text: str) -> Path:
    return program(folder, name, f"echo '{text}'")
