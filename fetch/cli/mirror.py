"""`./dev fetch mirror`: write a folder that serves as mirror=."""

import argparse
import shutil
from pathlib import Path

from base import files
from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cli


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Copy every archive to DIR/sha256/HASH; return 0."""
    folder = options.folder / "sha256"
    for pin, path in cli.obtain(options, settings):
        target = folder / path.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not target.is_file() or files.sha256(target) != path.name:
                part = files.temporary(str(target))
                shutil.copyfile(path, part)
                Path(part).replace(target)
        except OSError as error:
            raise DroidbpfError(f"cannot write {folder}: {error.strerror}") from error
        print(f"{pin.name:<12} {target}")
    return 0
