"""`./dev vm kernels`: list the kernels."""

import argparse

from base import cli
from base.settings import Settings
from vm import kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_json(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each kernel; return 0."""
    found = {name: kernels.cached(name, settings) for name in kernels.SUITES}
    if options.json:
        listing = [
            {
                "name": name,
                "cached": kernel is not None,
                "release": kernel.release if kernel else None,
                "image": str(kernel.image) if kernel else None,
            }
            for name, kernel in found.items()
        ]
        cli.print_json({"kernels": listing})
        return 0
    for name, kernel in found.items():
        print(f"{name:6}{kernel.release if kernel else 'not in the cache'}")
    return 0
