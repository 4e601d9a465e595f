"""`./dev btfhub report`: the relocations of an app on many kernels, and where they differ."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from base.cli import print_json
from base.errors import DroidbpfError, printable
from base.settings import Settings
from btfhub import cli

if TYPE_CHECKING:
    from btfhub import kernels, lock, report

_MOST_TOLD = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_app(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page, too")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=("missing", "moved"),
        help="exit with 1 where a relocation is so; may be repeated",
    )
    parser.add_argument("--unpacked", type=Path, metavar="DIR", help="keep raw BTFs there")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Compare, print and write; give 1 where --fail-on says so, else 0."""
    from base.progress import show_progress
    from btfhub import lock, processes, report, report_text

    cli.check_objects(options.objects)
    pins = lock.load(options.lock)
    with show_progress(settings) as shown:
        jobs = _jobs(options, pins, shown)
    found = report.build(_app(options.objects), processes.each(_examine, jobs))
    if options.html:
        from btfhub import report_html

        _write(options.html, report_html.page(found))
    if options.json:
        print_json(report_text.document(found))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        print(report_text.text(found, width, sys.stdout.isatty() and not plain))
    failures = [line for state in options.fail_on for line in report_text.failures(found, state)]
    for line in failures[:_MOST_TOLD]:
        print(line, file=sys.stderr)
    if len(failures) > _MOST_TOLD:
        print(f"… and {len(failures) - _MOST_TOLD} more", file=sys.stderr)
    return 1 if failures else 0


@dataclass(frozen=True)
class _Job:
    """What a process needs to examine one kernel."""

    kernel: "kernels.Kernel"
    packed: Path | None
    objects: tuple[Path, ...]
    bpftool: str
    unpacked: Path | None


def _jobs(options: argparse.Namespace, pins: "lock.Lock", settings: Settings) -> list[_Job]:
    from btfhub import kernels

    selected = options.kernels or ["all"]
    chosen = kernels.choose(selected, options.hub, pins, settings, any_name=True)
    packed = kernels.obtain(chosen, options.hub, pins, settings)
    objects = tuple(options.objects)
    return [
        _Job(kernel, packed.get(kernel.name.name), objects, options.bpftool, options.unpacked)
        for kernel in chosen
    ]


def _examine(job: _Job) -> "report.Kernel":
    from btfhub import kernels
    from btfhub.examine import examine

    with tempfile.TemporaryDirectory() as folder:
        raw = kernels.raw(job.kernel, job.packed, job.unpacked or Path(folder))
        return examine(job.kernel.name, raw, job.objects, job.bpftool)


def _app(objects: Sequence[Path]) -> str:
    """Give the app's name: that of its objects, without endings."""
    return ", ".join(printable(path.name.partition(".")[0]) for path in objects)


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DroidbpfError(f"cannot write {path}: {error.strerror}") from error
