"""`./dev btfhub report`: the relocations of an app on many kernels, and where they differ."""

import argparse
import shutil
import sys
from functools import partial
from pathlib import Path

from base.cli import print_json
from base.errors import printable
from base.progress import plain_terminal
from base.settings import Settings
from btfhub import answers, cli, kernels, processes, report, report_text
from btfhub.examine import examine
from btfhub.file_errors import write_file

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
    cli.check_objects(options.objects)
    given = cli.obtained(options, settings, options.unpacked)
    examined = processes.each(partial(_examine, options), given)
    app = ", ".join(printable(path.name.partition(".")[0]) for path in options.objects)
    found = report.build(app, examined)
    if options.html:
        from btfhub import report_html

        write_file(options.html, report_html.page(found))
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


def _examine(options: argparse.Namespace, kernel: kernels.Kernel) -> answers.Kernel:
    data = kernels.read(kernel)
    return examine(kernel.name, data, options.objects, options.bpftool)[0]
