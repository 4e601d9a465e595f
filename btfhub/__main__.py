"""`python -m btfhub`: find, pull, check, minimize and compare the BTFs of a hub."""

import argparse
import gc
import importlib
import sys
from functools import partial
from pathlib import Path

from fetch import frontend
from fetch.errors import DroidbpfError, did_you_mean
from fetch.settings import Settings

LOCK = Path(__file__).with_name("btfhub.lock")
CACHE = "The cache is $DROIDBPF_CACHE, by default ~/.cache/droidbpf."
WIDTH = 100  # of help; argparse would import half of the archivers to find the terminal's
# Modules of btfhub.cli. Only the one that is asked for is imported: resolve is to be quick.
COMMANDS = {
    "resolve": "which BTF fits a kernel release (uname -r), and why",
    "list": "list the files of a hub, and what of them is in the cache",
    "pull": "download hub files to the cache, all at once",
    "check": "check BTFs: a hub's archives, raw .btf files",
    "lint": "tell known defects of BTFs, and which fields of an app they make unreliable",
    "minimize": "keep of BTFs what an app's objects need",
    "report": "compare the relocations of an app on many kernels",
    "encode": "make a hub file from a vmlinux or from a device's BTF",
    "index": "write the index that makes a folder or a web server a hub",
    "lock": "pin what a hub has by sha256 and size",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give the exit status.

    Returns:
        0 done, 1 done with a negative answer (nothing fits, a defect …), 2 failed, 130 interrupted.
    """
    return frontend.ended(partial(_run, sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    settings = Settings.from_environment()._replace(offline=options.offline)
    status: int = options.run(options, settings)
    return status


def _parse(arguments: list[str]) -> argparse.Namespace:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    top = argparse.ArgumentParser(
        prog="python -m btfhub",
        usage="python -m btfhub COMMAND [-h] …",
        description="Find, pull, check, minimize and compare the BTFs of a hub.",
        epilog=f"commands:\n{listed}\n\n{CACHE}",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=WIDTH),
    )
    top.add_argument("command", metavar="COMMAND", help="one of those below")
    chosen = top.parse_args(arguments[:1]).command
    if chosen not in COMMANDS:
        hint = did_you_mean(chosen, COMMANDS, "python -m btfhub --help lists the commands")
        raise DroidbpfError(f"there is no command {chosen}", hint)
    module = importlib.import_module(f"btfhub.cli.{chosen}")
    parser = argparse.ArgumentParser(
        prog=f"python -m btfhub {chosen}",
        description=COMMANDS[chosen],
        epilog=CACHE,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=WIDTH),
    )
    module.arguments(parser)
    common = parser.add_argument_group("common options")
    common.add_argument("--json", action="store_true", help="print one JSON document")
    common.add_argument("--hub", default="", metavar="URL|DIR", help="a hub (default: upstream's)")
    common.add_argument("--offline", action="store_true", help="open no socket")
    common.add_argument("--lock", type=Path, default=LOCK, metavar="FILE", help="the pins")
    parser.set_defaults(run=module.run)
    return parser.parse_args(arguments[1:])


if __name__ == "__main__":
    gc.disable()  # a command is short
    status = main()
    gc.freeze()  # nothing is left to be collected at the end
    sys.exit(status)
