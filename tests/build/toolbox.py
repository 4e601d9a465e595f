"""A folder of programs, to build with tools that are missing, too old, or others."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest


class Toolbox:
    """A folder of links and scripts for $PATH.

    Args:
        folder: it is made, empty.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def link(self, *programs: str) -> Toolbox:
        """Add links to programs of the machine."""
        for program in programs:
            (self.folder / program).symlink_to(real(program))
        return self

    def script(self, name: str, text: str) -> Path:
        """Add or replace a shell script."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def wrap(self, name: str, program: str, version: str = "", first: str = "") -> Path:
        """Add a script that runs the program, with another version and a command before it."""
        said = f'case "$*" in *-###*) echo "{version}" ;; esac' if version else ""
        return self.script(name, f'{said}\n{first}\nexec "{real(program)}" "$@"')

    @property
    def first(self) -> dict[str, str]:
        """Return an environment in which these programs precede the machine's."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def only(self) -> dict[str, str]:
        """Return an environment that has only these programs."""
        return {"PATH": str(self.folder)}


def in_place_of(program: str, path: Path | str) -> list[str]:
    """Return a command that runs another one with a file in place of a program of the machine.

    bpftool is looked for beside PATH, so that it must be hidden where it is. And without g++ in
    PATH, but with the same gcc, no library is compiled again.
    """
    if os.geteuid():
        pytest.skip("only root can hide a program of the machine")
    script = f'{real("mount")} --bind "$0" "$1" && shift && exec "$@"'
    hidden = os.path.realpath(real(program))
    return [real("unshare"), "--mount", real("sh"), "-c", script, str(path), hidden]


def real(program: str) -> str:
    """Return the path of a program; of clang and bpftool, the one that a build uses."""
    if program in ("clang", "bpftool"):
        from toolchains import bpf
        from toolchains.probe import Probes

        with tempfile.TemporaryDirectory() as folder:
            tools = bpf.find(Probes(Path(folder, "probes.json"), os.environ["PATH"]))
        return tools.clang[0] if program == "clang" else tools.bpftool
    path = os.environ["PATH"].replace(str(Path(sys.executable).parent), "")
    found = shutil.which(program, path=path)
    assert found, f"{program} is not on this machine"
    return found
