"""Where the headers of a target's libc and kernel are, for BPF programs without a vmlinux.h.

Such programs include <linux/bpf.h> and through it <asm/types.h>. They need the target's: those of
the build machine may be of another architecture, or missing. For BPF, clang searches no such folder
of its own.
"""

from __future__ import annotations

import os
import re

from toolchains.model import Headers
from toolchains.probe import Probes, identity

SEARCHED = re.compile(r"^#include <\.\.\.> search starts here:\n((?: .*\n)*)", re.MULTILINE)
# Installing the headers of the kernel or of the libc again replaces these.
NEW_WITH_THE_REST = ("linux/version.h", "features.h")


def find(cc: tuple[str, ...], probes: Probes) -> Headers:
    """Return the folders where a compiler finds <headers>; none if it does not report them.

    Args:
        cc: the words that begin a command.
    """
    report = SEARCHED.search(probes.ask(*cc, "-xc", "-E", "-v", os.devnull))
    lines = report[1].splitlines() if report else []
    folders = tuple(os.path.realpath(line.strip()) for line in lines)
    files = (f"{folder}/{name}" for folder in folders for name in NEW_WITH_THE_REST)
    present = filter(os.path.exists, files)  # no pathlib at every start
    return Headers(folders, " ".join(map(identity, present)))
