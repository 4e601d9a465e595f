"""`./dev btfhub check`: check BTFs, and print which kernels they are of."""

import argparse
from functools import partial
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
    parser.add_argument("--arch", default="", help="refuse kernels of other architectures")
    parser.add_argument(
        "--any", action="store_true", help="accept BTFs that are not of a whole kernel"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Check all inputs, with one error for each bad one; return 0, or 2 if one is bad."""
    look = partial(_look, arch=options.arch, anything=options.any)
    rows, good = cli.rows(look, cli.obtained(options, settings))
    if options.json:
        print_json({"files": rows})
    else:
        width = max((len(row["name"]) for row in good), default=0)
        for row in good:
            print(
                f"{row['name']:{width}}  {row['arch'] or '-':6}  {row['types']:>6} types"
                f"  {row['size']:>8} bytes"
            )
    return 2 if len(good) < len(rows) else 0


def _look(given: Kernel, arch: str, anything: bool) -> cli.Row:
    """Check one; return its architecture, types and size."""
    from btfhub import btf, images, plausible

    data = images.read(given.path or Path())
    with errors_of(given.selector):
        types = btf.check(data)
        found = plausible.architecture(data) if anything else plausible.kernel(data, arch)
    return {"arch": found, "types": types, "size": len(data)}
