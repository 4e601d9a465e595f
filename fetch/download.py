"""Obtain pinned files, verified: from the cache, or from the first place that has them.

Many files are downloaded at once, through one pool of connections that are kept open.
"""

import contextlib
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from fetch import cache
from fetch.connections import Connections
from fetch.errors import AbsentError, PlaceError
from fetch.pins import Pin, load
from fetch.places import mirror_folder, places

WORKERS = 8


def obtain(pin: Pin, settings: Settings) -> Path:
    """Return the path of a verified file in the cache, downloading it at need.

    Its name is the sha256 that it has: the pin's own, or that of an alternative.

    Raises:
        AbsentError: no place gave it; every place and its reason is listed.
        CacheError: the cache cannot be written, its disk is full.
    """
    return obtain_all([pin], settings)[pin.name]


def obtain_packages(path: Path, arch: str, settings: Settings) -> dict[str, Path]:
    """Obtain the binary packages (.deb) of an architecture that a file of pins names.

    Args:
        path: a file of pins, each with a [[NAME.distribution]] that has an arch (fetch/pins.py).
        arch: the distribution's name of the architecture: arm64, amd64 …
    """
    known = load(path).values()
    chosen = [pin for pin in known if any(place.arch == arch for place in pin.alternatives)]
    return obtain_all(chosen, settings)


def obtain_all(pins: Iterable[Pin], settings: Settings, workers: int = WORKERS) -> dict[str, Path]:
    """Obtain several files as obtain() does each, by the pins' names.

    A failure ends no other download. What settings call is never called by two threads at once;
    progress is that of all files together.

    Args:
        workers: how many files are downloaded at once, at most.

    Raises:
        AbsentError: one error lists every file that no place gave, and the places.
        CacheError: the cache cannot be written, its disk is full: nothing more was begun.
    """
    found = {pin: cached(pin, settings) for pin in pins}
    missing = [pin for pin, path in found.items() if not path]
    if not missing:
        return {pin.name: path for pin, path in found.items() if path}
    if not settings.offline:
        cache.check_space(settings.cache, sum(pin.size for pin in missing))
    connections = Connections(workers)
    turns = _in_turns(missing, settings)
    with ThreadPoolExecutor(workers) as executor:
        try:
            tasks = {pin: executor.submit(_obtain_one, pin, turns, connections) for pin in missing}
            done, _ = wait(tasks.values(), return_when=FIRST_EXCEPTION)
            for task in done:
                task.result()
        except BaseException:
            connections.stop()
            executor.shutdown(cancel_futures=True)
            raise
    failures = {}
    for pin, task in tasks.items():
        outcome = task.result()
        if isinstance(outcome, Path):
            found[pin] = outcome
        else:
            failures[pin] = outcome
    if failures:
        raise _error(failures, settings)
    return {pin.name: path for pin, path in found.items() if path}


def cached(pin: Pin, settings: Settings) -> Path | None:
    """Return the verified file in the cache; None where it is not there, or corrupt."""
    for sha256 in pin.accepted:
        with contextlib.suppress(cache.CorruptError):
            if found := cache.find(settings.cache, sha256):
                return found
    return None


def _obtain_one(pin: Pin, settings: Settings, connections: Connections) -> Path | list[str]:
    """Obtain one file, or return why each place does not give it.

    Raises:
        CacheError: as obtain().
        StoppedError: the connections were stopped.
    """
    written = not settings.offline or mirror_folder(settings)
    locked = cache.lock(settings.cache, pin.sha256, connections.pause)
    with locked if written else contextlib.nullcontext():
        failures = [f"cache {settings.cache}: not there"]
        for sha256 in pin.accepted:
            try:
                if found := cache.find(settings.cache, sha256):
                    return found
            except cache.CorruptError as error:
                failures[0] = error.message
                settings.report(error.message)
        for name, fetch in places(pin, settings, connections):
            started = time.monotonic()
            try:
                found = fetch()
            except cache.CacheError:
                raise
            except DroidbpfError as error:
                failures.append(printable(f"{name}: {error.message}"))
                if isinstance(error, PlaceError) and error.wrong:
                    line = f"{pin.filename}: {name} is skipped: {error.message}"
                    settings.report(printable(line))
                continue
            seconds = time.monotonic() - started
            settings.downloaded(printable(pin.filename), name, found.stat().st_size, seconds)
            for sha256 in pin.accepted:
                cache.partial(settings.cache, sha256).unlink(missing_ok=True)
            return found
    return failures


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


def _error(failures: dict[Pin, list[str]], settings: Settings) -> AbsentError:
    """Return the one error that lists every file that no place gave, and the places."""
    lines = []
    for pin, reasons in failures.items():
        size = f", {pin.size} bytes" if pin.size else ""
        lines.append(f"{printable(pin.filename)} (sha256 {pin.sha256}{size})")
        lines += [f"  {reason}" for reason in reasons]
    listed = "\n  ".join(lines)
    if len(failures) == 1:
        what, path = "this file", cache.content(settings.cache, pin.sha256)
        hint = f"put the file at {path}, or name a folder or URL that holds it: mirror=…"
    else:
        what, path = f"these {len(failures)} files", cache.content(settings.cache, "SHA256")
        hint = f"put each file at {path}, or name a folder or URL that holds them: mirror=…"
    if settings.offline:
        hint += "; or go online"
    elif any(not pin.urls and pin.alternatives for pin in failures):
        # Archives have only the newest package.
        hint += "; or pin what the archive has now: ./dev fetch renew"
    return AbsentError(f"no place gives {what}:\n  {listed}", hint)
