"""The commands of `./dev btfhub`, a module each: add_arguments(parser), run(options, settings)."""

import argparse
from pathlib import Path

from base.errors import DroidbpfError, printable


def add_app(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of commands on an app and kernels: kernels, objects, bpftool."""
    parser.add_argument(
        "kernels", nargs="*", metavar="KERNEL", help="hub names, branches, all, paths of BTFs [all]"
    )
    add_objects(parser, "a BPF object of the app (.bpf.o)", required=True)
    parser.add_argument("--bpftool", default="bpftool", metavar="FILE", help="bpftool 7.0 or newer")


def add_objects(parser: argparse.ArgumentParser, text: str, *, required: bool = False) -> None:
    """Add --object; `text` is its help."""
    parser.add_argument(
        "--object",
        action="append",
        default=[],
        required=required,
        type=Path,
        metavar="FILE",
        dest="objects",
        help=f"{text}; may be repeated",
    )


def check_objects(paths: list[Path]) -> None:
    """Refuse files that are not BPF objects, before anything is downloaded for them.

    Raises:
        DroidbpfError: names the first of them.
    """
    from btfhub import objects

    for path in paths:
        if not path.is_file():
            raise DroidbpfError(
                f"there is no file {printable(str(path))}", "./dev scons app=NAME builds NAME.bpf.o"
            )
        objects.count(path)
