"""`./dev fetch get`: download archives to the cache, for building offline later or for a mirror."""

import argparse
import sys

from base.errors import DroidbpfError, did_you_mean, printable
from base.progress import show_progress
from base.settings import Settings
from fetch import download, pins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="which pins (default: all)")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Obtain the archives and print their paths; return 0."""
    known = pins.load(options.pins)
    for name in options.names:
        if name not in known:
            hint = did_you_mean(name, known, f"the pins are {', '.join(known)}")
            raise DroidbpfError(f"no pin named {printable(name)}", hint)
    chosen = [known[name] for name in options.names or known]
    with show_progress(settings._replace(downloaded=_print_download)) as shown:
        found = download.obtain_all(chosen, shown)
    for name, path in found.items():
        print(f"{name:<12} {path}")
    return 0


def _print_download(name: str, place: str, size: int, seconds: float) -> None:
    print(f"{name}: {size} bytes in {seconds:.1f} s from {place}", file=sys.stderr)
