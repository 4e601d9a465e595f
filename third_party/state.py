"""Whether a library in build/ is up to date, told by one small file instead of by all its objects.

A library's state file holds the key it was made with (pins, scripts, flags, toolchain) and the
size, mtime and hash of each file that others use of it: its archive and its headers. Where both
still hold, nothing of the library need be read; where not, SCons finds out what to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def key(files: Iterable[Path], *settings: str) -> str:
    """Give the key of a library: the hash of its scripts' contents and of its settings.

    Args:
        files: what the library is made by: its pins, its SConscript, its config headers.
        settings: flags and the identity of tools.
    """
    digest = hashlib.sha256("\0".join(settings).encode())
    for file in sorted(files):
        digest.update(f"\0{file.name}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def up_to_date(state: Path, wanted: str) -> bool:
    """Tell whether a library's files are what they were when it was made with this key."""
    return _read(state)[0] == wanted and not changed(state)


def changed(state: Path) -> list[Path]:
    """Give the files of a library that are not what was recorded, or are gone."""
    return [Path(name) for name, stamp in _read(state)[1].items() if not _same(Path(name), stamp)]


def record(state: Path, made_with: str, files: Iterable[Path]) -> None:
    """Write a library's state file, whole or not at all."""
    stamps = {str(file): [*_stamp(file), _sha256(file)] for file in files}
    part = state.with_name(f"{state.name}.tmp")
    part.write_text(json.dumps({"key": made_with, "files": stamps}, indent=1))
    part.replace(state)


def _read(state: Path) -> tuple[str, dict[str, list[object]]]:
    try:
        record = json.loads(state.read_bytes())
        return str(record["key"]), dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", {}


def _same(file: Path, stamp: list[object]) -> bool:
    try:
        return [*_stamp(file)] == stamp[:2] or _sha256(file) == stamp[2]
    except (OSError, IndexError, TypeError):
        return False


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
