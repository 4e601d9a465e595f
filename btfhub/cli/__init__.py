"""The commands of `./dev btfhub`, a module each: add_arguments(parser), run(options, settings)."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError, printable
from base.progress import show_progress
from base.settings import Settings
from btfhub import kernels, processes
from btfhub.hub import Hub
from btfhub.kernels import Kernel
from btfhub.lock import load

Row = dict[str, Any]


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


@contextmanager
def opened_hub(options: argparse.Namespace, settings: Settings) -> Iterator[Hub]:
    """Yield the hub and the lock that a command names; warnings and progress are shown."""
    with show_progress(settings) as shown:
        yield Hub(options.hub, load(options.lock), shown)


def obtained(
    options: argparse.Namespace, settings: Settings, unpacked: Path | None = None
) -> list[Kernel]:
    """Return the kernels that a command names, else all of the hub, with their files."""
    with opened_hub(options, settings) as hub:
        return kernels.obtain(kernels.select(options.kernels or ["all"], hub), hub, unpacked)


def rows(do: Callable[[Kernel], Row], given: Sequence[Kernel]) -> tuple[list[Row], list[Row]]:
    """Return a row for each kernel, by several processes, and those without an "error".

    An error is printed.
    """
    found = processes.each(partial(_row, do), given)
    good = [row for row in found if "error" not in row]
    for row in found:
        if "error" in row:
            print(DroidbpfError(row["error"], row["hint"]), file=sys.stderr)
    return found, good


def _row(do: Callable[[Kernel], Row], given: Kernel) -> Row:
    name = {"name": printable(given.selector)}
    try:
        return name | do(given)
    except DroidbpfError as error:
        return name | {"error": error.message, "hint": error.hint}
