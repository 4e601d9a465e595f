"""`./dev fetch get`: download archives to the cache, for building offline later."""

import argparse

from base.settings import Settings
from fetch import cli


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="which pins (default: all)")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Obtain the archives and print their paths; return 0."""
    for pin, path in cli.obtain(options, settings, options.names):
        print(f"{pin.name:<12} {path}")
    return 0
