"""`./dev fetch`: list, pre-load and pin the source archives."""

import argparse
import sys
from pathlib import Path

from base import cli

PINS = Path(__file__).resolve().parent.parent / "third_party" / "sources.toml"
COMMANDS = {
    "list": "list the pins and what of them is in the cache",
    "get": "download to the cache, for building offline later",
    "pin": "print the lines of a pin for sources.toml",
    "renew": "pin the packages that the distribution's archive has now",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    description = "The pinned source archives: where they are, and getting them."
    return cli.main("fetch", description, COMMANDS, "fetch.cli", _add_common, arguments)


def _add_common(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("common options")
    common.add_argument("--pins", type=Path, default=PINS, metavar="FILE", help="file of pins")
    cli.add_mirror(common)


if __name__ == "__main__":
    sys.exit(main())
