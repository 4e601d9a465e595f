"""`./dev btfhub list`: the files of a hub, and which of them are in the cache."""

import argparse
from pathlib import Path
from typing import Any

from base.cli import print_json
from base.progress import show_progress
from base.settings import Settings
from btfhub import index, lock, mirror

_COLUMNS = ("name", "branch", "month", "size", "state")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors", nargs="*", metavar="SELECTOR", help="files or branches [what the hub holds]"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """List what a hub holds; return 0, or 1 where that is nothing."""
    pins = lock.load(options.lock)
    with show_progress(settings) as shown:
        held = index.holding(options.hub, pins, shown)
    if options.selectors:
        files = mirror.select(held.files, options.selectors, pins)
    else:
        files = sorted(held.files.values(), key=lambda file: file.path)
    rows = [_row(file, held, settings) for file in files]
    if not options.selectors:
        rows += [_unpinned(name, path) for name, path in held.unpinned.items()]
    if options.json:
        print_json({"files": rows})
    else:
        _print(rows)
    return 0 if rows else 1


def cached(file: lock.HubFile, settings: Settings) -> Path | None:
    """Return the verified archive in the cache, or None."""
    from fetch import download
    from fetch.pins import Pin

    return download.cached(Pin(file.name, "", file.path, file.sha256, file.size), settings)


def _row(file: lock.HubFile, held: mirror.Holding, settings: Settings) -> dict[str, Any]:
    found = cached(file, settings)
    state = "cached" if found else "missing"
    if file.name in held.differing:
        state += ", differs in the hub"
    return {
        "name": file.name,
        "branch": file.branch,
        "month": file.month,
        "path": file.path,
        "size": file.size,
        "sha256": file.sha256,
        "btf_size": file.btf_size,
        "btf_sha256": file.btf_sha256,
        "url": file.url,
        "cached": str(found) if found else None,
        "state": state,
    }


def _unpinned(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "path": path, "cached": None, "state": "not pinned by the lock"}


def _print(rows: list[dict[str, Any]]) -> None:
    """Print a table; unknown cells are empty."""
    if not rows:
        return
    table = [[str(row.get(column, "")) for column in _COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        line = [
            cell.rjust(width) if title == "size" else cell.ljust(width)
            for title, cell, width in zip(_COLUMNS, cells, widths, strict=True)
        ]
        print("  ".join(line).rstrip())
