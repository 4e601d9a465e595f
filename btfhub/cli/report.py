"""`./dev btfhub report`: the relocations of an app on many kernels, and where they differ."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from base.cli import print_json
from base.errors import printable
from base.files import write_atomically
from base.settings import Settings
from btfhub import cli
from btfhub.file_errors import file_errors

if TYPE_CHECKING:
    from btfhub import answers, kernels, lock

_MOST_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_app(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=("missing", "moved"),
        help="exit with status 1 if a relocation is missing (or has moved); may be repeated",
    )
    parser.add_argument(
        "--unpacked",
        type=Path,
        metavar="DIR",
        help="where raw BTFs are kept, as pull --unpack leaves them",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Compare, print and write; return 1 where --fail-on asks for it, else 0."""
    from base.progress import plain_terminal, show_progress
    from btfhub import lock, processes, report, report_text

    cli.check_objects(options.objects)
    pins = lock.load(options.lock)
    with show_progress(settings) as shown:
        chosen, archives = _obtained(options, pins, shown)
    examined = processes.each(partial(_examine, options=options), chosen, archives)
    found = report.build(_app(options.objects), examined)
    if options.html:
        from btfhub import report_html

        with file_errors("write", options.html):
            write_atomically(options.html, report_html.page(found))
    if options.json:
        print_json(report_text.document(found))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        colour = sys.stdout.isatty() and not plain_terminal()
        print(report_text.text(found, width, colour))
    failures = [line for state in options.fail_on for line in report_text.failures(found, state)]
    for line in failures[:_MOST_LINES]:
        print(line, file=sys.stderr)
    if len(failures) > _MOST_LINES:
        print(f"… and {len(failures) - _MOST_LINES} more", file=sys.stderr)
    return 1 if failures else 0


def _obtained(
    options: argparse.Namespace, pins: "lock.Lock", settings: Settings
) -> tuple[list["kernels.Kernel"], list[Path | None]]:
    """Return the kernels, and the archive of each that is not unpacked."""
    from btfhub import kernels

    selected = options.kernels or ["all"]
    chosen = kernels.choose(selected, options.hub, pins, settings, any_name=True)
    folder = options.unpacked
    packed = [one for one in chosen if not folder or not kernels.is_unpacked(one, folder)]
    archives = kernels.obtain(packed, options.hub, settings)
    return chosen, [archives.get(kernel.name.name) for kernel in chosen]


def _examine(
    kernel: "kernels.Kernel", packed: Path | None, options: argparse.Namespace
) -> "answers.Kernel":
    from btfhub import kernels
    from btfhub.examine import examine

    with tempfile.TemporaryDirectory() as folder:
        raw = kernels.raw(kernel, packed, options.unpacked or Path(folder))
        return examine(kernel.name, raw, options.objects, options.bpftool)[0]


def _app(objects: Sequence[Path]) -> str:
    """Return the app's name: that of its objects, without endings."""
    return ", ".join(printable(path.name.partition(".")[0]) for path in objects)
