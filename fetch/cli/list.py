"""`./dev fetch list`: the pins and what of them is in the cache."""

import argparse
from dataclasses import asdict

from base import cli
from base.settings import Settings
from fetch import download, pins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_json(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each pin; return 0."""
    table = []
    for pin in pins.load(options.pins).values():
        found = download.cached(pin, settings)
        table.append({**asdict(pin), "cached": str(found) if found else None})
    if options.json:
        cli.print_json({"pins": table})
        return 0
    for row in table:
        state = "cached" if row["cached"] else "missing"
        size = row["size"] or "?"
        print(f"{row['name']:<12} {row['version']:<8} {size:>10}  {state:<8} {row['filename']}")
    return 0
