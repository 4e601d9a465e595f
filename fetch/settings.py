"""What the user decides about downloads: the cache, a mirror, offline, and where messages go."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fetch.errors import DroidbpfError


def _quiet(*_: object) -> None:
    """Drop a message."""


def expanded(path: str) -> Path:
    """Give a path with its ~ replaced, as it is where there is no such user."""
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
        report: called with one line for what the user should know (a place gave wrong bytes…).
        progress: called with (file name, bytes so far, size in bytes) while a file is downloaded.
        downloaded: called with (file name, place, size in bytes, seconds) after each download.
    """

    cache: Path
    mirror: str = ""
    offline: bool = False
    report: Callable[[str], None] = _quiet
    progress: Callable[[str, int, int], None] = _quiet
    downloaded: Callable[[str, str, int, float], None] = _quiet

    @classmethod
    def from_environment(cls) -> "Settings":
        """Take the cache from $DROIDBPF_CACHE, else ~/.cache/droidbpf."""
        cache = Path(os.environ.get("DROIDBPF_CACHE") or "~/.cache/droidbpf")
        try:
            return cls(cache=cache.expanduser().absolute())
        except RuntimeError as error:
            raise DroidbpfError(
                "there is no home folder for the download cache", "set DROIDBPF_CACHE to a folder"
            ) from error
