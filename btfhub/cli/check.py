"""`./dev btfhub check`: check BTFs, and print which kernels they are of."""

import argparse
from pathlib import Path

from base.cli import print_json
from base.settings import Settings
from btfhub import cli
from btfhub.file_errors import errors_of
from btfhub.kernels import Kernel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "kernels",
        nargs="+",
        metavar="FILE|NAME",
        help="raw BTF, an archive of a hub, an ELF file or an arm64 Image with BTF;"
        " a file of the hub, a branch, or all",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Check all inputs, with one error for each bad one; return 0, or 2 if one is bad."""
    rows, good = cli.rows(_look, cli.obtained(options, settings))
    if options.json:
        print_json({"files": rows})
    else:
        width = max((len(row["name"]) for row in good), default=0)
        for row in good:
            print(
                f"{row['name']:{width}}  {row['arch']:6}  {row['types']:>6} types"
                f"  {row['size']:>8} bytes"
            )
    return 2 if len(good) < len(rows) else 0


def _look(given: Kernel) -> cli.Row:
    """Check one; return its architecture, types and size."""
    from btfhub import btf, images, plausible

    data = images.read(given.path or Path())
    with errors_of(given.selector):
        types = btf.check(data)
        arch = plausible.kernel(data)
    return {"arch": arch, "types": types, "size": len(data)}
