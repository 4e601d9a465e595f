"""The commands of `./dev fetch`, one module each: add_arguments(parser), run(options, settings)."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from base.errors import DroidbpfError, did_you_mean, printable
from base.progress import show_progress
from base.settings import Settings
from fetch import download, pins


def obtain(
    options: argparse.Namespace, settings: Settings, names: Sequence[str] = ()
) -> Iterator[tuple[pins.Pin, Path]]:
    """Obtain the archives of some pins, or of all; yield each with its verified file.

    Raises:
        DroidbpfError: there is no such pin; no place gives an archive.
    """
    known = pins.load(options.pins)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"the pins are {', '.join(known)}")
            raise DroidbpfError(f"no pin named {printable(name)}", hint)
    chosen = [known[name] for name in names or known]
    with show_progress(settings._replace(downloaded=_print_download)) as shown:
        found = download.obtain_all(chosen, shown)
    for pin in chosen:
        yield pin, found[pin.name]


def _print_download(name: str, place: str, size: int, seconds: float) -> None:
    print(f"{name}: {size} bytes in {seconds:.1f} s from {place}", file=sys.stderr)
