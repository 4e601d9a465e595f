"""The places that may have a pinned file, in order, and how each is asked.

The mirror, upstream's URLs, then the distribution's archive and its snapshots. What a place gives
is verified before it is in the cache.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from base import files
from base.errors import printable
from base.settings import Settings, expand_user
from fetch import cache
from fetch.connections import Connections
from fetch.errors import PlaceError
from fetch.pins import LARGEST, Alternative, Pin
from fetch.reasons import redact

_CHUNK = 1 << 20
_Place = tuple[str, Callable[[], Path]]


def places(pin: Pin, settings: Settings, connections: Connections) -> Iterator[_Place]:
    """Yield the places of a pin: a name, and what downloads it to the cache from there."""
    if folder := mirror_folder(settings):
        get = partial(_from_folder, folder, settings=settings)
        yield f"mirror {printable(str(folder))}", partial(_from_mirror, pin, get)
    elif settings.mirror:
        get = partial(_from_url, settings.mirror, pin, settings, connections)
        yield f"mirror {redact(settings.mirror)}", partial(_from_mirror, pin, get)
    for url in pin.urls:
        get = partial(_from_url, url, pin, settings, connections)
        yield redact(url), partial(get, "", pin.sha256, pin.size)
    for file in pin.alternatives:
        archive = f"archive of {file.distribution} {file.suite}"
        yield archive, partial(_from_archive, file, False, settings, connections)
        snapshot = f"snapshot of the {archive} at {file.snapshot}"
        yield snapshot, partial(_from_archive, file, True, settings, connections)


def mirror_folder(settings: Settings) -> Path | None:
    """Return the mirror if it is a folder: reading it opens no socket."""
    mirror = settings.mirror.removeprefix("file://")
    return expand_user(mirror).absolute() if mirror and "://" not in mirror else None


def _from_mirror(pin: Pin, get: Callable[[str, str, int], Path]) -> Path:
    """Try each path below a mirror that may have a file that satisfies the pin."""
    files = [(pin.sha256, pin.size, [pin.filename])]
    files += [(file.sha256, file.size, [file.filename, file.path]) for file in pin.alternatives]
    wrong = []
    for sha256, size, names in files:
        for name in (f"sha256/{sha256}", *names):
            try:
                return get(name, sha256, size)
            except PlaceError as error:
                if error.wrong:
                    wrong.append(f"{name}: {error.message}")
                elif not error.missing:
                    raise
    if wrong:
        raise PlaceError("; ".join(wrong), wrong=True)
    raise PlaceError("not there", missing=True)


def _from_folder(folder: Path, name: str, sha256: str, size: int, settings: Settings) -> Path:
    if not folder.is_dir():
        raise PlaceError("no such folder")
    part = cache.partial(settings.cache, sha256)
    left = (size or LARGEST) + 1
    try:
        with (folder / name).open("rb") as file:
            with cache.writing(settings.cache, size):
                copy = part.open("wb")
            with copy:
                while chunk := file.read(min(left, _CHUNK)):
                    left -= len(chunk)
                    with cache.writing(settings.cache, size):
                        copy.write(chunk)
                        copy.flush()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PlaceError("not there", missing=True) from error
    except OSError as error:
        raise PlaceError(f"cannot read {name}: {error.strerror}") from error
    return _verified(part, sha256, settings)


def _from_url(
    url: str,
    pin: Pin,
    settings: Settings,
    connections: Connections,
    name: str,
    sha256: str,
    size: int,
) -> Path:
    """Download a file from a URL, or from a path below it."""
    _require_network(settings)
    try:
        from fetch import http
    except ImportError as error:
        raise PlaceError("the Python package requests is not installed (use ./dev)") from error

    def progress(got: int) -> None:
        settings.progress(pin.filename, got, size)

    url = f"{url.rstrip('/')}/{quote(name)}" if name else url
    part = cache.partial(settings.cache, sha256)
    limit, exact = size or LARGEST, size > 0
    get = partial(http.download, url, part, limit, progress, exact=exact, connections=connections)
    if get() and files.sha256(part) != sha256:
        part.unlink()  # the older bytes may be the wrong ones: once more from the beginning
        get()
    return _verified(part, sha256, settings)


def _from_archive(
    file: Alternative, old: bool, settings: Settings, connections: Connections
) -> Path:
    """Download a file from the machine's package archive, or from a snapshot of that."""
    from fetch import aptconf, programs

    _require_network(settings)
    uri = aptconf.snapshot_uri(file) if old else aptconf.archive_uri(file)
    part = cache.partial(settings.cache, file.sha256)
    settings.progress(file.filename, 0, file.size)
    with cache.writing(settings.cache, file.size):
        programs.download(uri, part, connections.check)
    return _verified(part, file.sha256, settings)


def _require_network(settings: Settings) -> None:
    if settings.offline:
        raise PlaceError("not asked: offline=1")


def _verified(part: Path, sha256: str, settings: Settings) -> Path:
    """Move a complete download into the cache, or raise what it is instead."""
    if found := cache.adopt(part, settings.cache, sha256):
        return found
    with part.open("rb") as file:
        start = file.read(512).lstrip().lower()
    html = start.startswith((b"<!doctype html", b"<html"))
    guess = ", an HTML page: is there a login page in between?" if html else ""
    reason = f"wrong bytes ({part.stat().st_size} bytes, sha256 {files.sha256(part)}{guess})"
    part.unlink()
    raise PlaceError(reason, wrong=True)
