"""Obtain many pinned files at once, through one pool of connections that are kept open."""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cache, download
from fetch.connections import Connections, StoppedError
from fetch.errors import NoPlaceError
from fetch.pins import Pin

WORKERS = 8
_END_SECONDS = 2.0


def obtain(pins: Iterable[Pin], settings: Settings, workers: int = WORKERS) -> dict[str, Path]:
    """Obtain several files as download.obtain() does each, by the pins' names.

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
        if path := download.cached(pin, settings):
            found[pin.name] = path
        else:
            missing.append(pin)
    if not missing:
        return found
    if settings.offline and not download.mirror_folder(settings):
        raise download.offline_error(missing, settings)
    cache.check_space(settings.cache, sum(pin.size for pin in missing))
    with Connections(workers) as connections:
        crew = _Crew(missing, settings, connections)
        crew.run(min(workers, len(missing)))
    absent = [pin for pin in missing if pin.name not in crew.found]
    if absent:
        raise _error(absent, crew.errors, settings)
    return found | crew.found


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
        """Do all the work; an interruption ends the threads, as soon as each can end."""
        running = 0
        try:
            for _ in range(workers):
                threading.Thread(target=self._work, daemon=True).start()
                running += 1
            # Not by join(): Python 3.11 takes a thread for ended when join() is interrupted.
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
                path = download.obtain_one(pin, self._settings, self._connections)
            except StoppedError:
                return
            except BaseException as error:
                self.errors[pin.name] = error
                if isinstance(error, cache.CacheError) or not isinstance(error, DroidbpfError):
                    self._waiting.clear()
            else:
                if path:
                    self.found[pin.name] = path


def _in_turns(pins: list[Pin], settings: Settings) -> Settings:
    """Give settings that call the given ones from one thread at a time, with the sum of bytes."""
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
    """Give the error that stands for all: one that is no file's own, else of all files."""
    for error in errors.values():
        if isinstance(error, cache.CacheError) or not isinstance(error, NoPlaceError):
            return error
    if not errors:
        return download.offline_error(absent, settings)
    if len(errors) == 1:
        return next(iter(errors.values()))
    tried: dict[str, list[str]] = {}
    for pin in absent:
        if isinstance(failure := errors.get(pin.name), NoPlaceError):
            tried |= failure.tried
    folder = settings.cache / "sha256"
    hint = f"put each file at {folder}/SHA256, or name a folder or URL that holds them: mirror=…"
    return NoPlaceError(tried, hint)
