"""Download a pinned package from the machine's package archive, or from a snapshot of that.

No index is read and no signature checked: the caller verifies the pinned hash. apt transfers the
file, by the machine's own configuration (proxies, credentials, kinds of URI).
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fetch import aptconf
from fetch.errors import PlaceError
from fetch.pins import Pool

_HELPER = "/usr/lib/apt/apt-helper"
_SECONDS = 600


def places(pool: Pool) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Yield the places that may have the package: a name, and what fills a file from there."""
    where = f"{pool.distribution} {pool.suite}"
    yield f"archive of {where}", partial(_from_archive, pool)
    yield f"snapshot of the archive of {where} at {pool.snapshot}", partial(_from_snapshot, pool)


def _from_archive(pool: Pool, part: Path) -> None:
    aptconf.require_distribution(pool.distribution)
    _download(aptconf.archive_uri(pool.suite, pool.arch) + pool.path, part)


def _from_snapshot(pool: Pool, part: Path) -> None:
    aptconf.require_distribution(pool.distribution)
    uri = aptconf.snapshots(pool.distribution)
    if not uri:
        raise PlaceError("this machine's apt names no snapshot service")
    _download(f"{uri.replace('@SNAPSHOTID@', pool.snapshot).rstrip('/')}/{pool.path}", part)


def _download(uri: str, part: Path) -> None:
    part.unlink(missing_ok=True)
    done = aptconf.run([_HELPER, "-qq", "download-file", uri, str(part)], seconds=_SECONDS)
    if done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        reason = aptconf.reason(done.stderr) or f"apt-helper failed with status {done.returncode}"
        raise PlaceError(reason.removesuffix("; Download Failed"))
