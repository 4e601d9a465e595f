"""Versions of files: what a file was when a step read or made it, and whether it still is.

A file is what it was if its size is, and its mtime or else its content: a copied tree, or a file
that was touched, rebuilds nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from base.files import sha256

BUILD = "build/"  # where steps write

# [size in bytes, mtime in ns, sha256]; None is no version: the file may have changed while read.
Version = list[int | str] | None

_hashes: dict[tuple[str, int, int], str] = {}
_stamps: dict[str, tuple[int, int]] = {}  # size and mtime at this start, of what no step writes


def version(path: str, status: os.stat_result | None = None) -> Version:
    """Return the version of a file; None where there is no such file, or it is being written to.

    Args:
        status: what os.stat() returns of it, where that is known.
    """
    try:
        status = status or os.stat(path)
        key = (path, status.st_size, status.st_mtime_ns)
        if key not in _hashes:
            content = sha256(path)
            after = os.stat(path)
            if key[1:] != (after.st_size, after.st_mtime_ns):
                return None
            _hashes[key] = content
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, _hashes[key]]


def is_same(path: str, recorded: Version) -> bool:
    """Return whether a file has the version that was recorded."""
    try:
        size, mtime_ns, content = recorded or (-1, 0, "")
        found = _stamps.get(path) or _stamp(path)
        return found == (size, mtime_ns) or (found[0] == size and sha256(path) == content)
    except (OSError, TypeError, ValueError):
        return False


def _stamp(path: str) -> tuple[int, int]:
    status = os.stat(path)
    stamp = (status.st_size, status.st_mtime_ns)
    if not path.startswith(BUILD):
        _stamps[path] = stamp
    return stamp


def changed(recorded: Mapping[str, Version]) -> list[str]:
    """Return the paths of the files that have another version now."""
    return [path for path, known in recorded.items() if not is_same(path, known)]


def load(path: str) -> dict[str, object]:
    """Return the content of a JSON file that save() wrote; {} where it is missing or damaged."""
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def save(path: str, content: Mapping[str, object]) -> None:
    """Write a JSON file; one that is cut short is damaged, and so {} for load()."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(content))  # indented, it would take ten times as long
