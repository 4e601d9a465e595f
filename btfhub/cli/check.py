"""`./dev btfhub check`: check BTFs, and print which kernels they are of."""

import argparse
from typing import Any

from base.cli import print_json
from base.settings import Settings
from btfhub import inputs
from btfhub.file_errors import errors_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors",
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
    from functools import partial

    from base.progress import show_progress
    from btfhub import lock

    with show_progress(settings) as shown:
        given = inputs.gather(options.selectors, options.hub, lock.load(options.lock), shown)
    rows = inputs.rows(partial(_look, arch=options.arch, anything=options.any), given)
    good = [row for row in rows if "error" not in row]
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


def _look(given: inputs.Input, arch: str, anything: bool) -> dict[str, Any]:
    """Check one; return its architecture, types and size."""
    from btfhub import btf, plausible

    data = inputs.read(given, again=True)
    with errors_of(given.name):
        found = plausible.architecture(data) if anything else plausible.kernel(data, arch)
    return {"arch": found, "types": len(btf.walk(data).starts) - 1, "size": len(data)}
