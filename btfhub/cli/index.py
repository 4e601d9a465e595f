"""`./dev btfhub index`: write the index that makes a folder or a web server a hub."""

import argparse
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from btfhub import index, lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help=f"a folder of archives; {index.NAME} is written there",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Unpack and check every archive of a folder, and write its index; return 0."""
    folder: Path = options.folder
    if not folder.is_dir():
        raise DroidbpfError(f"there is no folder {printable(str(folder))}")
    made = index.of_folder(folder)
    lock.write(folder / index.NAME, made)
    if options.json:
        print(lock.render(made).decode(), end="")
        return 0
    total = sum(file.size for file in made.files.values())
    branches = sorted({file.branch for file in made.files.values() if file.branch})
    print(f"{folder / index.NAME}: {len(made.files)} files, {total} bytes, checked")
    for branch in branches:
        names = [file.name for file in made.files.values() if file.branch == branch]
        print(f"  {branch}: {len(names)}")
    return 0
