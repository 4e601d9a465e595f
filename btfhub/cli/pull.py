"""`./dev btfhub pull`: download hub files to the cache in parallel, and unpack them."""

import argparse
import sys
from pathlib import Path

from base.cli import print_json
from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import cli
from btfhub.file_errors import write_file
from btfhub.hub import Hub


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
    with cli.opened_hub(options, settings._replace(downloaded=downloaded)) as hub:
        if options.unpack:
            _unpack(hub, options)
            return 0
        files = hub.choose(options.selectors)
        found = hub.obtain(files)
    rows = [
        {
            "name": file.name,
            "file": str(found[file.name]),
            "from": places.get(file.path, "cache"),
            "size": file.size,
            "sha256": file.sha256,
        }
        for file in files
    ]
    if options.json:
        print_json({"files": rows})
        return 0
    width = max(len(file.name) for file in files)
    for file in files:
        place = places.get(file.path, "cache").removesuffix(file.path)
        print(f"{file.name:{width}}  {file.size:>9}  {place}")
    sizes = [file.size for file in files if file.path in places]
    print(
        f"{len(rows)} file{'s'[: len(rows) != 1]} verified: "
        f"{len(sizes)} obtained ({sum(sizes)} bytes), {len(rows) - len(sizes)} in the cache",
        file=sys.stderr,
    )
    return 0


def _unpack(hub: Hub, options: argparse.Namespace) -> None:
    """Obtain and unpack what is not in the folder, and write the hashes of all."""
    from btfhub import kernels
    from btfhub.names import parse_name

    files = hub.choose(options.selectors)
    chosen = [kernels.Kernel(parse_name(file.path), file) for file in files]
    kernels.unpack(chosen, hub, options.unpack)
    sums = {kernels.file_name(kernel): kernel.file.btf_sha256 for kernel in chosen if kernel.file}
    if options.sums:
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
        write_file(options.sums, "".join(lines))
    if options.json:
        rows = [
            {"file": str(options.unpack / name), "sha256": hash_} for name, hash_ in sums.items()
        ]
        print_json({"files": rows})
