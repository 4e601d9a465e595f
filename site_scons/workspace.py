"""The build folder: the only place a build writes to, but for the cache of downloads."""

from __future__ import annotations

import os
from pathlib import Path

from fetch.errors import DroidbpfError

BUILD = "build"


def prepare() -> None:
    """Make the build folder.

    Raises:
        DroidbpfError: it cannot be made or written to.
    """
    hint = "a build writes only there: make it writable, or work in a copy of this folder"
    try:
        os.makedirs(BUILD, exist_ok=True)
    except OSError as error:
        raise DroidbpfError(f"cannot make the folder {BUILD}: {error.strerror}", hint) from None
    if not os.access(BUILD, os.W_OK | os.X_OK):
        raise DroidbpfError(f"the folder {BUILD} is read-only", hint)


def probes() -> Path:
    """Give the file that remembers what tools said of themselves."""
    return Path(BUILD, "probes.json")
