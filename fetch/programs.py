"""Run programs of apt and dpkg, and say why one failed."""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from base.errors import DroidbpfError, printable
from fetch import cache
from fetch.errors import PlaceError

_HELPER = "/usr/lib/apt/apt-helper"
_SECONDS = 600
_POLL = 0.2  # seconds between two calls of check()


def run(
    command: list[str],
    *,
    seconds: float,
    config: Path | None = None,
    check: Callable[[], None] = lambda: None,
) -> "subprocess.CompletedProcess[str]":
    """Run a program of apt or dpkg.

    Args:
        config: the private configuration; None for the machine's.
        check: called now and then; raises to end the program.

    Raises:
        DroidbpfError: it is not on this machine, or it takes longer than `seconds`.
    """
    name = Path(command[0]).name
    own = {"APT_CONFIG": str(config)} if config else {}
    end = time.monotonic() + seconds
    try:
        process = subprocess.Popen(
            command,
            env={**os.environ, "LC_ALL": "C", **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise DroidbpfError(f"no {name} on this machine") from error
    with process:
        try:
            while True:
                check()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    output = process.communicate(timeout=_POLL)
                    return subprocess.CompletedProcess(command, process.returncode, *output)
                if time.monotonic() > end:
                    raise DroidbpfError(f"{name} did not finish in {seconds:.0f} seconds")
        except BaseException:
            process.kill()
            raise


def download(uri: str, path: Path, check: Callable[[], None]) -> None:
    """Download a file by apt: by the machine's proxies, credentials and kinds of URI.

    No index is read and no signature checked: the caller verifies the pinned hash.

    Args:
        path: in the cache.
        check: raises to end the download.

    Raises:
        PlaceError: apt cannot download it.
        CacheError: the disk is full.
    """
    path.unlink(missing_ok=True)
    command = [_HELPER, "-qq", "download-file", uri, str(path)]
    done = run(command, seconds=_SECONDS, check=check)
    if done.returncode or not path.is_file():
        path.unlink(missing_ok=True)
        check_space(done.stderr, path.parent.parent)
        failure = reason(done.stderr) or f"apt-helper failed with status {done.returncode}"
        raise PlaceError(failure.removesuffix("; Download Failed"))


def reason(errors: str) -> str:
    """Return what apt complains about, on one line and without credentials."""
    lines = re.findall(r"^(?:E: |Error: |W: (?=GPG error))(.*)$", errors, re.MULTILINE)
    lines = lines or re.findall(r"^W: (.*)$", errors, re.MULTILINE)
    text = printable("; ".join(dict.fromkeys(line.strip() for line in lines)))
    return re.sub(r"://[^/@\s]*@", "://", text)


def check_space(errors: str, cache_folder: Path) -> None:
    """Raise the error of a full disk if it is what apt complains about."""
    if re.search("No space left on device|enough free space", errors):
        raise cache.full(cache_folder, 0)
