"""`python -m fetch`: list, pre-load, mirror and pin the source archives."""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fetch import cache, download, frontend, pins
from fetch.errors import DroidbpfError, did_you_mean
from fetch.progress import told
from fetch.settings import Settings

_PINS = Path(__file__).resolve().parent.parent / "third_party" / "sources.toml"
_LARGEST = 1 << 30


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give the exit status: 0 done, 2 failed, 130 interrupted."""
    return frontend.ended(partial(_run, _parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    settings = Settings.from_environment()._replace(
        mirror=options.mirror, offline=options.offline, downloaded=_downloaded
    )
    with told(settings) as shown:
        options.run(options, shown)
    return 0


def _downloaded(name: str, place: str, size: int, seconds: float) -> None:
    print(f"{name}: {size} bytes in {seconds:.1f} s from {place}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fetch",
        description="The pinned source archives: where they are, and getting them.",
        epilog="The cache is $DROIDBPF_CACHE, by default ~/.cache/droidbpf.",
    )
    parser.add_argument("--pins", type=Path, default=_PINS, metavar="FILE", help="file of pins")
    parser.add_argument("--mirror", default="", help="a folder or URL that is asked first")
    parser.add_argument("--offline", action="store_true", help="open no socket")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="list the pins and what of them is in the cache")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(run=_list)

    command = commands.add_parser("get", help="download to the cache, for building offline later")
    command.add_argument("names", nargs="*", metavar="NAME", help="which pins (default: all)")
    command.set_defaults(run=_get)

    command = commands.add_parser("mirror", help="write a folder that serves as mirror=")
    command.add_argument("folder", type=Path, metavar="DIR")
    command.set_defaults(run=_mirror)

    command = commands.add_parser("pin", help="print the lines of a pin for sources.toml")
    command.add_argument("archive", metavar="FILE|URL")
    command.set_defaults(run=_pin)
    return parser


def _list(options: argparse.Namespace, settings: Settings) -> None:
    table = []
    for pin in pins.load(options.pins).values():
        found = download.cached(pin, settings)
        table.append({**asdict(pin), "cached": str(found) if found else None})
    if options.json:
        print(json.dumps({"schema": 1, "pins": table}, indent=2))
        return
    for row in table:
        state = "cached" if row["cached"] else "missing"
        size = row["size"] or "?"
        print(f"{row['name']:<12} {row['version']:<8} {size:>10}  {state:<8} {row['filename']}")


def _get(options: argparse.Namespace, settings: Settings) -> None:
    for pin, path in _obtain(options, settings, options.names):
        print(f"{pin.name:<12} {path}")


def _mirror(options: argparse.Namespace, settings: Settings) -> None:
    folder = options.folder / "sha256"
    for pin, path in _obtain(options, settings, []):
        target = folder / path.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not target.is_file() or cache.digest(target) != path.name:
                temporary = target.with_name(f".{target.name}.{os.getpid()}")
                shutil.copyfile(path, temporary)
                temporary.replace(target)
        except OSError as error:
            raise DroidbpfError(f"cannot write {folder}: {error.strerror}") from error
        print(f"{pin.name:<12} {target}")


def _pin(options: argparse.Namespace, settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = options.archive if "://" in options.archive else ""
        path = Path(options.archive)
        if url:
            from fetch import http

            if settings.offline:
                raise DroidbpfError(f"offline: {url} cannot be asked")
            path = Path(folder) / "partial" / (Path(unquote(urlsplit(url).path)).name or "archive")
            path.parent.mkdir()
            http.download(url, path, _LARGEST, exact=False)
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = path.stat().st_size
        except OSError as error:
            raise DroidbpfError(f"cannot read {path}: {error.strerror}") from error
    version = re.search(r"[0-9]+(\.[0-9]+)+", path.name)
    name = re.split(r"[-_.]?v?[0-9]", path.name, maxsplit=1)[0] or "NAME"
    print(f"[{json.dumps(name) if not re.fullmatch(r'[A-Za-z0-9_-]+', name) else name}]")
    print(f"version = {json.dumps(version.group() if version else '')}")
    print(f"filename = {json.dumps(path.name)}")
    print(f'sha256 = "{sha256}"')
    print(f"size = {size}")
    print(f"urls = {json.dumps([url] if url else [])}")


def _obtain(
    options: argparse.Namespace, settings: Settings, names: list[str]
) -> Iterator[tuple[pins.Pin, Path]]:
    known = pins.load(options.pins)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"the pins are {', '.join(known)}")
            raise DroidbpfError(f"no pin named {name}", hint)
    chosen = [known[name] for name in names or known]
    if settings.offline:
        download.obtain_all(chosen, settings)
    for pin in chosen:
        yield pin, download.obtain(pin, settings)


if __name__ == "__main__":
    sys.exit(main())
