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
        """Add a script that is the program, but for its version and what it does first."""
        said = f'[ "$1" = --version ] && exec echo "{version}"' if version else ""
        return self.script(name, f'{said}\n{first}\nexec "{real(program)}" "$@"')

    @property
    def first(self) -> dict[str, str]:
        """Give an environment in which these programs go before the machine's."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def only(self) -> dict[str, str]:
        """Give an environment in which there are no other programs than these."""
        return {"PATH": str(self.folder)}


def in_place_of_bpftool(path: Path | str) -> list[str]:
    """Give a command that runs another with a file in the place of the machine's bpftool.

    It is looked for beside PATH, so that it must be hidden where it is.
    """
    if os.geteuid():
        pytest.skip("only root can hide the machine's bpftool")
    script = f'{real("mount")} --bind "$0" "$1" && shift && exec "$@"'
    hidden = os.path.realpath(real("bpftool"))
    return [real("unshare"), "--mount", real("sh"), "-c", script, str(path), hidden]


def real(program: str) -> str:
    """Give a program of the machine; clang and bpftool are those that a build takes."""
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
