"""Whether a library in build/ is up to date: one small file says it in place of all its objects.

The state file of a library holds the key that it was built with (pins, scripts, flags, toolchain)
and the versions of two kinds of files: those that others use, its archive and its headers, and
those that its compiler read outside of build/. Where all of these hold, nothing of the library is
read; otherwise SCons finds out what to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import versions


def key(files: Iterable[Path], *settings: str) -> str:
    """Return the key of a library: the hash of its scripts' contents and of its settings.

    Args:
        files: its pins, its SConscript, its own headers.
        settings: flags and the identity of tools.
    """
    digest = hashlib.sha256("\0".join(settings).encode())
    for file in sorted(files):
        digest.update(f"\0{file.name}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def up_to_date(path: str, wanted: str) -> bool:
    """Return whether the files of a library are as they were when it was built with this key."""
    state = versions.load(path)
    files = state.get("files")
    return state.get("key") == wanted and isinstance(files, dict) and not versions.changed(files)


def record(path: str, built_with: str, files: Iterable[str], built_from: Iterable[str]) -> None:
    """Write the state file of a library.

    Args:
        built_with: its key.
        files: what others use of it.
        built_from: its objects, beside which is recorded what the compiler read.
    """
    found = {file: versions.version(file) for file in files}
    for built in built_from:
        read = versions.load(f"{built}.inputs")
        found |= {name: v for name, v in read.items() if not name.startswith(versions.BUILD)}
    versions.save(path, {"key": built_with, "files": found})
