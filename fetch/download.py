"""Obtain a pinned archive: the cache, a mirror, upstream, the distribution's source archive, in that order."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fetch import cache
from fetch.errors import DroidbpfError
from fetch.pins import Alternative, Pin
from fetch.settings import Settings as Settings

Place = tuple[str, Callable[[], Path]]


class PlaceError(DroidbpfError):
    """A place does not give the file; the next place is asked.

    `missing`: the place answers, and has no such file. `wrong`: it gave other bytes.
    """

    def __init__(self, message: str, *, missing: bool = False, wrong: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        self.wrong = wrong


def obtain(pin: Pin, settings: Settings) -> Path:
    """Give the path of a verified archive in the cache, downloading it at need.

    Its name is the sha256 that it has: the pin's own, or that of an alternative.

    Raises:
        DroidbpfError: no place gave it; every place and its reason is listed.
    """
    if found := _cached(pin, settings, repair=False):
        return found
    if settings.offline and not _mirror_folder(settings):
        raise _offline_error([pin], settings)
    with cache.lock(settings.cache, pin.sha256):
        if found := _cached(pin, settings, repair=True):
            return found
        cache.check_space(settings.cache, pin.size)
        failures = [f"cache {settings.cache}: not there"]
        for name, fetch in _places(pin, settings):
            try:
                return fetch()
            except cache.CacheError:
                raise
            except DroidbpfError as error:
                failures.append(f"{name}: {error.message}")
                if isinstance(error, PlaceError) and error.wrong:
                    settings.report(f"{pin.filename}: skipped {name}: {error.message}")
        raise DroidbpfError(
            f"no place gives {_describe(pin)}\n  " + "\n  ".join(failures), _by_hand(pin, settings)
        )


def missing(pins: Iterable[Pin], settings: Settings) -> list[Pin]:
    """List the pins that the cache does not hold, verified."""
    return [pin for pin in pins if not _cached(pin, settings, repair=False)]


def obtain_all(pins: Iterable[Pin], settings: Settings) -> dict[str, Path]:
    """Obtain several archives, by the pins' names.

    Raises:
        DroidbpfError: as obtain(); offline, one error lists every file that is missing.
    """
    pins = list(pins)
    if settings.offline and not _mirror_folder(settings) and (absent := missing(pins, settings)):
        raise _offline_error(absent, settings)
    return {pin.name: obtain(pin, settings) for pin in pins}


def _cached(pin: Pin, settings: Settings, *, repair: bool) -> Path | None:
    """Find any accepted archive in the cache; a corrupt one is reported and, to repair, removed."""
    for sha256, size in pin.accepted.items():
        try:
            if found := cache.find(settings.cache, sha256, size):
                return found
        except cache.CorruptError as error:
            if repair:
                settings.report(f"{error.message}: it is removed and fetched again")
                with cache.writing(settings.cache):
                    error.path.unlink(missing_ok=True)
    return None


def _places(pin: Pin, settings: Settings) -> Iterator[Place]:
    if folder := _mirror_folder(settings):
        yield f"mirror {folder}", lambda: _from_folder(pin, folder, settings)
    for alternative in pin.alternatives:
        yield (
            f"source archive of {alternative.distribution} {alternative.suite}",
            lambda alternative=alternative: _from_distribution(alternative, settings),
        )


def _mirror_folder(settings: Settings) -> Path | None:
    """Give the mirror if it is a folder: reading it opens no socket."""
    mirror = settings.mirror.removeprefix("file://")
    return Path(mirror).expanduser().absolute() if mirror and "://" not in mirror else None


def _from_folder(pin: Pin, folder: Path, settings: Settings) -> Path:
    wrong = []
    for filename, sha256, size in _files(pin):
        for path in (folder / "sha256" / sha256, folder / filename):
            if not path.is_file():
                continue
            part = cache.partial(settings.cache, sha256)
            try:
                with cache.writing(settings.cache, size):
                    cache.copy(path, part)
                if found := cache.adopt(part, settings.cache, sha256, size):
                    return found
            finally:
                part.unlink(missing_ok=True)
            wrong.append(f"{path.relative_to(folder)} has wrong bytes")
    if wrong:
        raise PlaceError("; ".join(wrong), wrong=True)
    raise PlaceError("not there", missing=True)


def _from_distribution(alternative: Alternative, settings: Settings) -> Path:
    from fetch import apt

    if settings.offline:
        raise PlaceError("not asked: offline")
    found = apt.source_file(
        alternative.source,
        alternative.version,
        alternative.suite,
        alternative.filename,
        settings,
        distribution=alternative.distribution,
    )
    if found.name != alternative.sha256:
        raise PlaceError(f"{alternative.filename} has sha256 {found.name}", wrong=True)
    return found


def _files(pin: Pin) -> Iterator[tuple[str, str, int]]:
    """Give name, sha256 and size of every file that satisfies the pin."""
    yield pin.filename, pin.sha256, pin.size
    for alternative in pin.alternatives:
        yield alternative.filename, alternative.sha256, alternative.size


def _describe(pin: Pin) -> str:
    return f"{pin.filename} (sha256 {pin.sha256}, {pin.size} bytes)"


def _by_hand(pin: Pin, settings: Settings) -> str:
    return (
        f"put the file at {cache.content(settings.cache, pin.sha256)}, "
        "or name a folder or URL that holds it: mirror=…"
    )


def _offline_error(pins: list[Pin], settings: Settings) -> DroidbpfError:
    lines = []
    for pin in pins:
        lines.append(f"  {_describe(pin)}")
        lines += [f"    from {url}" for url in pin.urls[:1]]
        lines.append(f"    to   {cache.content(settings.cache, pin.sha256)}")
    return DroidbpfError(
        "offline, and not in the cache:\n" + "\n".join(lines),
        "put the files there, name a folder that holds them (mirror=…), or go online",
    )
