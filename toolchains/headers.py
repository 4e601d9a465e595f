"""Where the headers of a target's libc and kernel are, for BPF programs without a vmlinux.h.

<linux/bpf.h> and what it includes, such as <asm/types.h>, are the target's: those of the build
machine may be of another architecture, or missing. clang itself knows no such folder for BPF.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from toolchains.model import Toolchain
from toolchains.probe import Probes, identity

SEARCHED = re.compile(r"^#include <\.\.\.> search starts here:\n((?: .*\n)*)", re.MULTILINE)
# Headers of the kernel and of the libc that are installed anew with all others.
NEW_WITH_THE_REST = ("linux/version.h", "features.h")


class Headers(NamedTuple):
    """Folders of headers, in the order of search, and what a build signature holds of them."""

    folders: tuple[str, ...]
    identity: str


def find(toolchain: Toolchain, probes: Probes) -> Headers:
    """Give the folders where the toolchain's compiler finds <headers>.

    None where its own compiler of BPF objects knows them, or where it does not tell.
    """
    if "-nostdlibinc" in toolchain.bpf_clang:
        return Headers((), "")
    if toolchain.sysroot:
        return Headers((f"{toolchain.sysroot}/include",), toolchain.sysroot.rpartition("/")[2])
    said = SEARCHED.search(probes.ask(*toolchain.cc, "-xc", "-E", "-v", os.devnull))
    lines = said[1].splitlines() if said else []
    folders = tuple(os.path.realpath(line.strip()) for line in lines)
    files = (f"{folder}/{name}" for folder in folders for name in NEW_WITH_THE_REST)
    present = filter(os.path.exists, files)  # no pathlib at every start
    return Headers(folders, " ".join(map(identity, present)))
