"""`./dev btfhub pull`: download hub files to the cache, all at once."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from base.cli import print_json
from base.errors import DroidbpfError
from base.progress import show_progress
from base.settings import Settings
from btfhub import index, lock, mirror
from btfhub.cli.list import cached
from fetch.errors import PlaceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors",
        nargs="+",
        metavar="SELECTOR",
        help="a file (a12-5.10-2022-05), a branch (android12-5.10, rock5b), or all",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Obtain what is selected, and tell where each file came from; give 0."""
    places: dict[str, str] = {}

    def downloaded(name: str, place: str, _size: int, _seconds: float) -> None:
        places[name] = place

    pins = lock.load(options.lock)
    with show_progress(settings._replace(downloaded=downloaded)) as shown:
        files = _chosen(options, pins, shown)
        found = mirror.obtain(files, options.hub, pins, shown)
    rows = [(file, found[file.name], places.get(file.path, "cache")) for file in files]
    if options.json:
        print_json({"files": [_entry(*row) for row in rows]})
        return 0
    width = max(len(file.name) for file in files)
    for file, _, place in rows:
        print(f"{file.name:{width}}  {file.size:>9}  {_source(file, place)}")
    size = sum(file.size for file, _, place in rows if place != "cache")
    count = Counter("cache" if place == "cache" else "new" for _, _, place in rows)
    print(
        f"{len(rows)} file{'s'[: len(rows) != 1]} verified: "
        f"{count['new']} obtained ({size} bytes), {count['cache']} in the cache",
        file=sys.stderr,
    )
    return 0


def _chosen(options: argparse.Namespace, pins: lock.Lock, settings: Settings) -> list[lock.HubFile]:
    """Select by the lock where all that it gives is in the cache, else by what the hub holds."""
    if options.hub and not mirror.folder_of(options.hub):
        try:
            files = mirror.select(pins.files, options.selectors)
        except DroidbpfError:
            files = []
        if files and all(cached(file, settings) for file in files):
            return files
    try:
        held = index.holding(options.hub, pins, settings)
    except PlaceError as error:  # upstream may have what the hub does not give
        settings.report(error.message)
        held = mirror.Holding(pins.files)
    return mirror.choose(options.selectors, options.hub, pins, settings, held)


def _source(file: lock.HubFile, place: str) -> str:
    """Show a place as it is, but for the file's own path, which is known."""
    return place.removesuffix(file.path)


def _entry(file: lock.HubFile, found: Path, place: str) -> dict[str, str | int]:
    return {
        "name": file.name,
        "file": str(found),
        "from": place,
        "size": file.size,
        "sha256": file.sha256,
    }
