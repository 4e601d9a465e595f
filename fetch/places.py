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
from fetch import cache, http
from fetch.connections import Connections
from fetch.errors import PlaceError
from fetch.pins import LARGEST, Alternative, Pin
from fetch.reasons import redact

_Place = tuple[str, Callable[[], Path]]


def places(pin: Pin, settings: Settings, connections: Connections) -> Iterator[_Place]:
    """Yield the places of a pin: a name, and what downloads it to the cache from there."""
    if folder := mirror_folder(settings):
        yield f"mirror {printable(str(folder))}", partial(_from_folder, pin, folder, settings)
    if settings.offline:
        return
    if settings.mirror and not folder:
        name = f"mirror {redact(settings.mirror)}"
        yield name, partial(_from_mirror, pin, settings.mirror, settings, connections)
    for url in pin.urls:
        name, file = redact(url), (pin.filename, pin.sha256, pin.size)
        yield name, partial(_from_url, url, *file, settings, connections)
    if pin.alternatives:
        from fetch import aptconf
    for other in pin.alternatives:
        name = f"archive of {other.distribution} {other.suite}"
        get = partial(_from_archive, other, settings=settings, connections=connections)
        yield name, partial(get, aptconf.archive_uri)
        yield f"snapshot of the {name} at {other.snapshot}", partial(get, aptconf.snapshot_uri)


def mirror_folder(settings: Settings) -> Path | None:
    """Return the mirror if it is a folder: reading it opens no socket."""
    mirror = settings.mirror.removeprefix("file://")
    return expand_user(mirror).absolute() if mirror and "://" not in mirror else None


def _files(pin: Pin) -> Iterator[tuple[str, str, int]]:
    """Yield path below a mirror, sha256 and size (bytes) of every file that satisfies the pin."""
    found = [(pin.sha256, pin.size, [pin.filename])]
    found += [(a.sha256, a.size, [a.filename, a.path]) for a in pin.alternatives]
    for sha256, size, names in found:
        for name in (f"sha256/{sha256}", *names):
            yield name, sha256, size


def _from_folder(pin: Pin, folder: Path, settings: Settings) -> Path:
    if not folder.is_dir():
        raise PlaceError("no such folder")
    wrong = []
    for name, sha256, size in _files(pin):
        part = cache.partial(settings.cache, sha256)
        try:
            with (folder / name).open("rb") as file:
                cache.copy(file, part, settings.cache, size or LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise PlaceError(f"cannot read {name}: {error.strerror}") from error
        try:
            return _verified(part, name, sha256, size, settings)
        except PlaceError as error:
            wrong.append(error.message)
    if wrong:
        raise PlaceError("; ".join(dict.fromkeys(wrong)), wrong=True)
    raise PlaceError("not there", missing=True)


def _from_mirror(pin: Pin, mirror: str, settings: Settings, connections: Connections) -> Path:
    wrong = []
    for name, sha256, size in _files(pin):
        url = f"{mirror.rstrip('/')}/{quote(name)}"
        try:
            return _from_url(url, pin.filename, sha256, size, settings, connections)
        except PlaceError as error:
            if error.wrong:
                wrong.append(f"{name}: {error.message}")
            elif not error.missing:
                raise
    if wrong:
        raise PlaceError("; ".join(dict.fromkeys(wrong)), wrong=True)
    raise PlaceError("not there", missing=True)


def _from_url(
    url: str,
    name: str,
    sha256: str,
    size: int,
    settings: Settings,
    connections: Connections,
) -> Path:
    part = cache.partial(settings.cache, sha256)

    def progress(got: int) -> None:
        settings.progress(name, got, size)

    limit, exact = size or LARGEST, size > 0
    get = partial(http.download, url, part, limit, progress, exact=exact, connections=connections)
    if get() and files.sha256(part) != sha256:
        http.discard(part)  # the older bytes may be the wrong ones: once more from the beginning
        get()
    return _verified(part, name, sha256, size, settings)


def _from_archive(
    file: Alternative,
    uri_of: Callable[[Alternative], str],
    settings: Settings,
    connections: Connections,
) -> Path:
    from fetch import programs

    part = cache.partial(settings.cache, file.sha256)
    http.discard(part)
    settings.progress(file.filename, 0, file.size)
    with cache.writing(settings.cache, file.size):
        programs.download(uri_of(file), part, connections.check)
    return _verified(part, file.filename, file.sha256, file.size, settings)


def _verified(part: Path, name: str, sha256: str, size: int, settings: Settings) -> Path:
    """Move a complete download into the cache, or raise what it is instead."""
    if found := cache.adopt(part, settings.cache, sha256, size):
        http.discard(part)
        return found
    with part.open("rb") as file:
        start = file.read(512).lstrip().lower()
    html = start.startswith((b"<!doctype html", b"<html"))
    guess = ", an HTML page: is there a login page in between?" if html else ""
    reason = (
        f"wrong bytes in {name} ({part.stat().st_size} bytes, sha256 {files.sha256(part)}{guess})"
    )
    http.discard(part)
    raise PlaceError(reason, wrong=True)
