"""Obtain a pinned archive from the first place that has it, verified.

The places, in order: the cache, the mirror, upstream's URLs, the distribution's source archive.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from base import files
from base.errors import DroidbpfError
from base.settings import Settings, expand_user
from fetch import cache, http
from fetch.connections import Connections
from fetch.errors import AbsentError, NoPlaceError, PlaceError
from fetch.pins import LARGEST, Alternative, Pin
from fetch.reasons import redact

_Place = tuple[str, Callable[[], Path]]


def obtain(pin: Pin, settings: Settings) -> Path:
    """Give the path of a verified archive in the cache, downloading it at need.

    Its name is the sha256 that it has: the pin's own, or that of an alternative.

    Raises:
        DroidbpfError: no place gave it; every place and its reason is listed.
        CacheError: the cache cannot be written, its disk is full.
    """
    return obtain_all([pin], settings)[pin.name]


def obtain_all(pins: Iterable[Pin], settings: Settings) -> dict[str, Path]:
    """Obtain several archives, by the pins' names.

    Raises:
        DroidbpfError: as obtain(); offline, one error lists every file that is missing.
    """
    found = {}
    absent = []
    for pin in pins:
        if path := obtain_one(pin, settings):
            found[pin.name] = path
        else:
            absent.append(pin)
    if absent:
        raise offline_error(absent, settings)
    return found


def cached(pin: Pin, settings: Settings) -> Path | None:
    """Give the verified archive in the cache, or None where it is not there or corrupt."""
    for sha256, size in pin.accepted.items():
        with contextlib.suppress(cache.CorruptError):
            if found := cache.find(settings.cache, sha256, size):
                return found
    return None


def obtain_one(pin: Pin, settings: Settings, connections: Connections | None = None) -> Path | None:
    """Obtain one archive; None: offline, and it is not there.

    Args:
        connections: shared by several threads; None for ones of its own.

    Raises:
        DroidbpfError: as obtain().
        StoppedError: the connections were stopped.
    """
    if found := cached(pin, settings):
        return found
    if settings.offline and not mirror_folder(settings):
        return None
    with cache.lock(settings.cache, pin.sha256, connections.pause if connections else None):
        for sha256, size in pin.accepted.items():
            if found := cache.find_or_remove(settings.cache, sha256, size, settings.report):
                return found
        cache.check_space(settings.cache, pin.size)
        failures = [f"cache {settings.cache}: not there"]
        for name, fetch in _places(pin, settings, connections):
            started = time.monotonic()
            try:
                found = fetch()
                seconds = time.monotonic() - started
                settings.downloaded(pin.filename, name, found.stat().st_size, seconds)
                for sha256 in pin.accepted:
                    http.discard(cache.partial(settings.cache, sha256))
                return found
            except cache.CacheError:
                raise
            except DroidbpfError as error:
                failures.append(f"{name}: {error.message}")
                if isinstance(error, PlaceError) and error.wrong:
                    settings.report(f"{pin.filename}: {name} is skipped: {error.message}")
    if settings.offline:
        return None
    raise NoPlaceError({_describe(pin): failures}, _by_hand(pin, settings))


def _places(pin: Pin, settings: Settings, connections: Connections | None) -> Iterator[_Place]:
    if folder := mirror_folder(settings):
        yield f"mirror {folder}", partial(_from_folder, pin, folder, settings)
    if settings.offline:
        return
    if settings.mirror and not folder:
        name = f"mirror {redact(settings.mirror)}"
        yield name, partial(_from_mirror, pin, settings.mirror, settings, connections)
    for url in pin.urls:
        name, file = redact(url), (pin.filename, pin.sha256, pin.size)
        yield name, partial(_from_url, url, *file, settings, connections)
    if pin.alternatives:
        from fetch import pool
    for alternative in pin.alternatives:
        for name, fill in pool.places(alternative):
            yield name, partial(_from_pool, alternative, fill, settings)


def mirror_folder(settings: Settings) -> Path | None:
    """Give the mirror if it is a folder: reading it opens no socket."""
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


def _from_mirror(
    pin: Pin, mirror: str, settings: Settings, connections: Connections | None
) -> Path:
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
    connections: Connections | None,
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


def _verified(part: Path, name: str, sha256: str, size: int, settings: Settings) -> Path:
    """Move a complete download into the cache, or say what it is instead."""
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


def _from_pool(file: Alternative, fill: Callable[[Path], None], settings: Settings) -> Path:
    part = cache.partial(settings.cache, file.sha256)
    http.discard(part)
    settings.progress(file.filename, 0, file.size)
    with cache.writing(settings.cache, file.size):
        fill(part)
    settings.progress(file.filename, file.size, file.size)
    return _verified(part, file.filename, file.sha256, file.size, settings)


def _describe(pin: Pin) -> str:
    size = f", {pin.size} bytes" if pin.size else ""
    return f"{pin.filename} (sha256 {pin.sha256}{size})"


def _by_hand(pin: Pin, settings: Settings) -> str:
    path = cache.content(settings.cache, pin.sha256)
    hint = f"put the file at {path}, or name a folder or URL that holds it: mirror=…"
    if not pin.urls and pin.alternatives:  # a package: archives have the newest alone
        hint += "; or pin what the archive has now: ./dev fetch renew"
    return hint


def offline_error(pins: list[Pin], settings: Settings) -> AbsentError:
    """Make the error that lists the files which are not in the cache."""
    lines = []
    folder = mirror_folder(settings)
    for pin in pins:
        lines.append(_describe(pin))
        if folder:
            lines.append(f"  not in the mirror {folder}")
        lines += [f"  from {url}" for url in pin.urls]
        path = cache.content(settings.cache, pin.sha256)
        lines.append(f"  to {path}")
        try:
            cache.find(settings.cache, pin.sha256, pin.size)
        except cache.CorruptError as error:
            lines.append(f"  the file there is corrupt: {error.reason}")
    listed = "\n  ".join(lines)
    return AbsentError(
        f"offline=1, and not in the cache:\n  {listed}",
        "put the files there, name a folder that holds them (mirror=…), or go online",
    )
