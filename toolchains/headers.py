"""Where the headers of a target's libc and kernel are, for BPF programs without a vmlinux.h.

Such programs include <linux/bpf.h> and through it <asm/types.h>. They need the target's: those of
the build machine may be of another architecture, or missing. For BPF, clang searches no such folder
of its own.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from toolchains.model import Toolchain
from toolchains.probe import Probes, identity

SEARCHED = re.compile(r"^#include <\.\.\.> search starts here:\n((?: .*\n)*)", re.MULTILINE)
# Installing the headers of the kernel or of the libc again replaces these.
NEW_WITH_THE_REST = ("linux/version.h", "features.h")


class Headers(NamedTuple):
    """Folders of headers, in the order of search, and what a build signature holds of them."""

    folders: tuple[str, ...]
    identity: str


def find(toolchain: Toolchain, probes: Probes) -> Headers:
    """Return the folders where the toolchain's compiler finds <headers>.

    There are none if its own compiler of BPF objects knows them, or if it does not report them.
    """
    if "-nostdlibinc" in toolchain.bpf_clang:
        return Headers((), "")
    if toolchain.include:
        return Headers((toolchain.include,), toolchain.set_up.key if toolchain.set_up else "")
    report = SEARCHED.search(probes.ask(*toolchain.cc, "-xc", "-E", "-v", os.devnull))
    lines = report[1].splitlines() if report else []
    folders = tuple(os.path.realpath(line.strip()) for line in lines)
    files = (f"{folder}/{name}" for folder in folders for name in NEW_WITH_THE_REST)
    present = filter(os.path.exists, files)  # no pathlib at every start
    return Headers(folders, " ".join(map(identity, present)))
