"""Download a pinned file from the machine's package archive, or from a snapshot of that.

No index is read and no signature checked: the caller verifies the pinned hash. apt transfers the
file, by the machine's own configuration (proxies, credentials, kinds of URI).
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fetch import aptconf, programs
from fetch.errors import PlaceError
from fetch.pins import Alternative

_HELPER = "/usr/lib/apt/apt-helper"
_SECONDS = 600


def places(
    file: Alternative, check: Callable[[], None]
) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Yield the places that may have the file: a name, and what downloads it to a path.

    Args:
        check: raises to end a download.
    """
    archive = f"archive of {file.distribution} {file.suite}"
    yield archive, partial(_from_archive, file, check)
    yield f"snapshot of the {archive} at {file.snapshot}", partial(_from_snapshot, file, check)


def _from_archive(file: Alternative, check: Callable[[], None], part: Path) -> None:
    aptconf.require_distribution(file.distribution)
    _download(aptconf.archive_uri(file.suite, file.arch) + file.path, part, check)


def _from_snapshot(file: Alternative, check: Callable[[], None], part: Path) -> None:
    aptconf.require_distribution(file.distribution)
    uri = aptconf.snapshots(file.distribution)
    if not uri:
        raise PlaceError("apt names no snapshot service on this machine")
    _download(f"{uri.replace('@SNAPSHOTID@', file.snapshot).rstrip('/')}/{file.path}", part, check)


def _download(uri: str, part: Path, check: Callable[[], None]) -> None:
    part.unlink(missing_ok=True)
    command = [_HELPER, "-qq", "download-file", uri, str(part)]
    done = programs.run(command, seconds=_SECONDS, check=check)
    if done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        programs.check_space(done.stderr, part.parent.parent)
        reason = programs.reason(done.stderr) or f"apt-helper failed with status {done.returncode}"
        raise PlaceError(reason.removesuffix("; Download Failed"))
