"""`./dev btfhub list`: the files of a hub, and which of them are in the cache."""

import argparse
from typing import Any

from base.cli import print_json
from base.settings import Settings
from btfhub import cli, index
from btfhub.hub import select

_COLUMNS = ("name", "branch", "month", "size", "state")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors", nargs="*", metavar="SELECTOR", help="files or branches [what the hub holds]"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """List what a hub holds; return 0, or 1 where that is nothing."""
    from fetch import download

    with cli.opened_hub(options, settings) as hub:
        held = index.holding(hub)
    files = sorted(held.files.values(), key=lambda file: file.path)
    if options.selectors:
        files = select(held.files, options.selectors, hub.lock)
    rows: list[dict[str, Any]] = []
    for file in files:
        cached = download.cached(hub.pin(file), settings)
        state = "cached" if cached else "missing"
        state += ", differs in the hub" if file.name in held.differing else ""
        row = file._asdict()
        rows.append(row | {"cached": str(cached) if cached else None, "state": state})
    if not options.selectors:
        unpinned = {"cached": None, "state": "not pinned by the lock"}
        rows += [{"name": name, "path": path} | unpinned for name, path in held.unpinned.items()]
    if options.json:
        print_json({"files": rows})
    else:
        _print(rows)
    return 0 if rows else 1


def _print(rows: list[dict[str, Any]]) -> None:
    """Print a table; unknown cells are empty."""
    table = [[str(row.get(column, "")) for column in _COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        name, branch, month, size, state = map(str.ljust, cells, widths)
        print(f"{name}  {branch}  {month}  {size.strip():>{len(size)}}  {state}".rstrip())
