"""What the user decides about downloads: the cache, a mirror, offline, and where messages go."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError


def _ignore(*_: object) -> None:
    """Drop a message."""


def expand_user(path: str) -> Path:
    """Return a path with its ~ replaced, unchanged where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


class Settings(NamedTuple):
    """Settings of every function that may download.

    Args:
        cache: the folder of verified files, `<cache>/sha256/<hash>`: a cache is itself a mirror.
        mirror: a folder or a URL that holds files by name or as `sha256/<hash>`; "" for none.
        offline: open no socket.
        report: called with one line that the user should know (a mirror sent wrong bytes …).
        progress: called with (file name, bytes so far, size in bytes) while a file is downloaded.
        downloaded: called with (file name, place, size in bytes, seconds) after each download.
    """

    cache: Path
    mirror: str = ""
    offline: bool = False
    report: Callable[[str], None] = _ignore
    progress: Callable[[str, int, int], None] = _ignore
    downloaded: Callable[[str, str, int, float], None] = _ignore

    @classmethod
    def from_environment(cls) -> "Settings":
        """Return settings with the cache of $DROIDBPF_CACHE, else ~/.cache/droidbpf.

        Raises:
            DroidbpfError: there is no home folder.
        """
        cache = Path(os.environ.get("DROIDBPF_CACHE") or "~/.cache/droidbpf")
        try:
            return cls(cache=cache.expanduser().absolute())
        except RuntimeError as error:
            raise DroidbpfError(
                "there is no home folder for the download cache", "set DROIDBPF_CACHE to a folder"
            ) from error
