"""`./dev btfhub pull`: download hub files to the cache in parallel, and unpack them."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from base.cli import print_json
from base.errors import DroidbpfError
from base.files import write_atomically
from base.progress import show_progress
from base.settings import Settings
from btfhub import index, lock, mirror
from btfhub.cli.list import cached
from btfhub.file_errors import file_errors
from fetch.errors import PlaceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors",
        nargs="+",
        metavar="SELECTOR",
        help="a file (a12-5.10-2022-05), a branch (android12-5.10, rock5b), or all",
    )
    parser.add_argument(
        "--unpack",
        type=Path,
        metavar="DIR",
        help="unpack them there as KERNEL.btf; what is there already is not downloaded",
    )
    parser.add_argument(
        "--sums",
        type=Path,
        metavar="FILE",
        help="write their hashes there, as `sha256sum --check` in DIR reads them",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Obtain what is selected, and print where each file came from; return 0."""
    places: dict[str, str] = {}

    def downloaded(name: str, place: str, _size: int, _seconds: float) -> None:
        places[name] = place

    if options.sums and not options.unpack:
        raise DroidbpfError("--sums lists what --unpack DIR unpacks", "name the folder: --unpack")
    pins = lock.load(options.lock)
    with show_progress(settings._replace(downloaded=downloaded)) as shown:
        files = _chosen(options, pins, shown)
        if options.unpack:
            _unpack(files, options, shown)
            return 0
        found = mirror.obtain(files, options.hub, shown)
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


def _unpack(files: Sequence[lock.HubFile], options: argparse.Namespace, settings: Settings) -> None:
    """Obtain and unpack what is not in the folder, and write the hashes of all."""
    from btfhub import kernels
    from btfhub.names import parse_name

    chosen = [kernels.Kernel(parse_name(file.path), file=file) for file in files]
    missing = [kernel for kernel in chosen if not kernels.is_unpacked(kernel, options.unpack)]
    archives = kernels.obtain(missing, options.hub, settings)
    kernels.unpack(missing, archives, options.unpack)
    sums = {kernels.unpacked(k, options.unpack).name: k.file.btf_sha256 for k in chosen if k.file}
    if options.sums:
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
        with file_errors("write", options.sums):
            write_atomically(options.sums, "".join(lines))
    if options.json:
        rows = [
            {"file": str(options.unpack / name), "sha256": hash_} for name, hash_ in sums.items()
        ]
        print_json({"files": rows})


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
    """Return a place without the file's own path, which is known."""
    return place.removesuffix(file.path)


def _entry(file: lock.HubFile, found: Path, place: str) -> dict[str, str | int]:
    return {
        "name": file.name,
        "file": str(found),
        "from": place,
        "size": file.size,
        "sha256": file.sha256,
    }
