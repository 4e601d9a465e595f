"""`./dev btfhub`: find, pull, check, minimize and compare the BTFs of a hub."""

import argparse
import gc
import sys
from pathlib import Path

from base import cli

LOCK = Path(__file__).with_name("btfhub.lock")
COMMANDS = {
    "resolve": "which BTF fits a kernel release (uname -r), and why",
    "list": "list the files of a hub, and which of them are in the cache",
    "pull": "download hub files to the cache in parallel, and unpack them",
    "check": "check BTFs: a hub's archives, raw .btf files",
    "lint": "list known defects of BTFs, and which fields of an app they make unreliable",
    "minimize": "reduce BTFs to what an app's objects need",
    "embed": "write the C file that embeds minimized BTFs in an app",
    "report": "compare the relocations of an app on many kernels",
    "encode": "make a hub file from a vmlinux or from a device's BTF",
    "index": "write the index that makes a folder or a web server a hub",
    "lock": "pin what a hub has by sha256 and size",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    description = "Find, pull, check, minimize and compare the BTFs of a hub."
    return cli.main("btfhub", description, COMMANDS, "btfhub.cli", _add_common, arguments)


def _add_common(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("common options")
    common.add_argument("--hub", default="", metavar="URL|DIR", help="a hub (default: upstream's)")
    common.add_argument("--lock", type=Path, default=LOCK, metavar="FILE", help="the pins")
    cli.add_json(common)
    cli.add_offline(common)


if __name__ == "__main__":
    gc.disable()  # a command is short
    status = main()
    gc.freeze()  # nothing is left to be collected at the end
    sys.exit(status)
