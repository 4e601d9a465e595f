"""Obtain pinned files, verified: from the cache, or from the first place that has them.

Many files are downloaded at once, through one pool of connections that are kept open.
"""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from fetch import cache, http
from fetch.connections import Connections, StoppedError
from fetch.errors import AbsentError, NoPlaceError, PlaceError
from fetch.pins import Pin
from fetch.places import mirror_folder, places

WORKERS = 8
_END_SECONDS = 2.0


def obtain(pin: Pin, settings: Settings) -> Path:
    """Return the path of a verified file in the cache, downloading it at need.

    Its name is the sha256 that it has: the pin's own, or that of an alternative.

    Raises:
        DroidbpfError: no place gave it; every place and its reason is listed.
        CacheError: the cache cannot be written, its disk is full.
    """
    return obtain_all([pin], settings)[pin.name]


def obtain_all(pins: Iterable[Pin], settings: Settings, workers: int = WORKERS) -> dict[str, Path]:
    """Obtain several files as obtain() does each, by the pins' names.

    A failure ends no other download. What settings call is never called by two threads at once;
    progress is that of all files together.

    Args:
        workers: how many files are downloaded at once, at most.

    Raises:
        DroidbpfError: one error lists every file that no place gave, and the places.
        CacheError: the cache cannot be written, its disk is full: nothing more was begun.
    """
    found = {}
    missing = []
    for pin in pins:
        if path := cached(pin, settings):
            found[pin.name] = path
        else:
            missing.append(pin)
    if not missing:
        return found
    if settings.offline and not mirror_folder(settings):
        raise _offline_error(missing, settings)
    cache.check_space(settings.cache, sum(pin.size for pin in missing))
    with Connections(workers) as connections:
        crew = _Crew(missing, settings, connections)
        crew.run(min(workers, len(missing)))
    absent = [pin for pin in missing if pin.name not in crew.found]
    if absent:
        raise _error(absent, crew.errors, settings)
    return found | crew.found


def cached(pin: Pin, settings: Settings) -> Path | None:
    """Return the verified file in the cache; None where it is not there, or corrupt."""
    for sha256, size in pin.accepted.items():
        with contextlib.suppress(cache.CorruptError):
            if found := cache.find(settings.cache, sha256, size):
                return found
    return None


class _Crew:
    """Threads that take the pins one after the other; what they found, and their errors."""

    def __init__(self, pins: list[Pin], settings: Settings, connections: Connections) -> None:
        self.found: dict[str, Path] = {}
        self.errors: dict[str, BaseException] = {}
        self._waiting = deque(pins)
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._settings = _in_turns(pins, settings)
        self._connections = connections

    def run(self, workers: int) -> None:
        """Do all the work; an interruption ends the threads as soon as possible."""
        running = 0
        try:
            for _ in range(workers):
                threading.Thread(target=self._work, daemon=True).start()
                running += 1
            # Not by join(): in Python 3.11 an interrupted join() marks the thread as ended.
            while running:
                self._ended.get()
                running -= 1
        except BaseException:
            self._waiting.clear()
            self._connections.stop()
            end = time.monotonic() + _END_SECONDS
            with contextlib.suppress(queue.Empty):
                for _ in range(running):
                    self._ended.get(timeout=max(0.0, end - time.monotonic()))
            raise

    def _work(self) -> None:
        try:
            self._take_pins()
        finally:
            self._ended.put(None)

    def _take_pins(self) -> None:
        while True:
            try:
                pin = self._waiting.popleft()
            except IndexError:
                return
            try:
                path = _obtain_one(pin, self._settings, self._connections)
            except StoppedError:
                return
            except BaseException as error:
                self.errors[pin.name] = error
                if isinstance(error, cache.CacheError) or not isinstance(error, DroidbpfError):
                    self._waiting.clear()
            else:
                if path:
                    self.found[pin.name] = path


def _obtain_one(pin: Pin, settings: Settings, connections: Connections) -> Path | None:
    """Obtain one file; None: offline, and it is not there.

    Raises:
        DroidbpfError: as obtain().
        StoppedError: the connections were stopped.
    """
    with cache.lock(settings.cache, pin.sha256, connections.pause):
        for sha256, size in pin.accepted.items():
            if found := cache.find_or_remove(settings.cache, sha256, size, settings.report):
                return found
        failures = [f"cache {settings.cache}: not there"]
        for name, fetch in places(pin, settings, connections):
            started = time.monotonic()
            try:
                found = fetch()
                seconds = time.monotonic() - started
                settings.downloaded(printable(pin.filename), name, found.stat().st_size, seconds)
                for sha256 in pin.accepted:
                    http.discard(cache.partial(settings.cache, sha256))
                return found
            except cache.CacheError:
                raise
            except DroidbpfError as error:
                failures.append(printable(f"{name}: {error.message}"))
                if isinstance(error, PlaceError) and error.wrong:
                    line = f"{pin.filename}: {name} is skipped: {error.message}"
                    settings.report(printable(line))
    if settings.offline:
        return None
    raise NoPlaceError({_describe(pin): failures}, _by_hand(pin, settings))


def _in_turns(pins: list[Pin], settings: Settings) -> Settings:
    """Return settings that call the given ones from one thread at a time, with the sum of bytes."""
    turn = threading.RLock()
    got = {pin.filename: 0 for pin in pins}
    total = sum(pin.size for pin in pins)
    title = pins[0].filename if len(pins) == 1 else f"{len(pins)} files"

    def report(line: str) -> None:
        with turn:
            settings.report(line)

    def progress(name: str, bytes_: int, _size: int) -> None:
        with turn:
            got[name] = bytes_
            settings.progress(title, min(total, sum(got.values())), total)

    def downloaded(name: str, place: str, size: int, seconds: float) -> None:
        with turn:
            progress(name, size, size)
            settings.downloaded(name, place, size, seconds)

    return settings._replace(report=report, progress=progress, downloaded=downloaded)


def _error(
    absent: list[Pin], errors: dict[str, BaseException], settings: Settings
) -> BaseException:
    """Return the error that stands for all: one that is no file's own, else of all files."""
    for error in errors.values():
        if isinstance(error, cache.CacheError) or not isinstance(error, NoPlaceError):
            return error
    if not errors:
        return _offline_error(absent, settings)
    if len(errors) == 1:
        return next(iter(errors.values()))
    tried: dict[str, list[str]] = {}
    for pin in absent:
        if isinstance(failure := errors.get(pin.name), NoPlaceError):
            tried |= failure.tried
    folder = settings.cache / "sha256"
    hint = f"put each file at {folder}/SHA256, or name a folder or URL that holds them: mirror=…"
    return NoPlaceError(tried, hint)


def _describe(pin: Pin) -> str:
    size = f", {pin.size} bytes" if pin.size else ""
    return f"{printable(pin.filename)} (sha256 {pin.sha256}{size})"


def _by_hand(pin: Pin, settings: Settings) -> str:
    path = cache.content(settings.cache, pin.sha256)
    hint = f"put the file at {path}, or name a folder or URL that holds it: mirror=…"
    if not pin.urls and pin.alternatives:  # a package: archives have the newest alone
        hint += "; or pin what the archive has now: ./dev fetch renew"
    return hint


def _offline_error(pins: list[Pin], settings: Settings) -> AbsentError:
    """Return the error that lists the files which are not in the cache."""
    lines = []
    folder = mirror_folder(settings)
    for pin in pins:
        lines.append(_describe(pin))
        if folder:
            lines.append(f"  not in the mirror {printable(str(folder))}")
        lines += [f"  from {printable(url)}" for url in pin.urls]
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
