"""`./dev btfhub lock`: pin what a hub has by sha256 and size."""

import argparse

from base.cli import print_json
from base.errors import DroidbpfError, printable
from base.progress import show_progress
from base.settings import Settings
from btfhub import index, lock
from btfhub.hub import Holding, Hub, compare, paths_of
from btfhub.lock import HubFile, Lock
from fetch.reasons import redact


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="only compare: exit with status 1 if the hub has more or other files",
    )
    parser.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="NAME",
        help="accept new content of this file; may be repeated",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Add to the lock what a hub has beyond it; return 0, with --check 1 if they differ."""
    if not options.hub:
        raise DroidbpfError("name the hub whose files are to be pinned", "--hub URL or --hub DIR")
    pins = lock.load(options.lock) if options.check or options.lock.exists() else Lock("", {})
    with show_progress(settings) as shown:
        hub = Hub(options.hub, pins, shown)
        entries: dict[str, HubFile] = {}
        if folder := hub.folder:
            held = compare({path: index.digest(folder / path) for path in paths_of(folder)}, pins)
        else:
            entries = _entries(hub)
            held = index.compared(entries, pins)
        if options.check:
            _print(options, pins, held, [], [])
            return 1 if held.unpinned or held.differing else 0
        _refuse_to_replace(options.replace, pins, held)
        names = {path: name for name, path in held.unpinned.items()}
        names |= {held.files[name].path: name for name in held.differing}
        files = _described(list(names), hub, entries)
    new = [file._replace(name=names[file.path]) for file in files]
    if new:
        lock.write(options.lock, Lock(pins.url, pins.files | lock.make("", new).files))
    added = [file for file in new if file.name in held.unpinned]
    _print(options, pins, held, added, [file for file in new if file.name in held.differing])
    return 0


def _entries(hub: Hub) -> dict[str, HubFile]:
    """Return what a web server has, by its index.

    Raises:
        DroidbpfError: offline; it has no index.
    """
    if hub.settings.offline:
        raise DroidbpfError(f"offline: {hub} is not asked")
    entries = index.of_url(hub)
    if entries is None:
        raise DroidbpfError(
            f"{hub} has no {index.NAME}, so its content is unknown",
            "run ./dev btfhub index DIR on the folder that it serves",
        )
    return entries


def _refuse_to_replace(accepted: list[str], pins: Lock, held: Holding) -> None:
    """Raise an error with both hashes of each file that differs and is not accepted."""
    for name in accepted:
        if name not in held.differing:
            raise DroidbpfError(
                f"{printable(name)} is the same in the hub: there is nothing to replace"
            )
    refused = [name for name in held.differing if name not in accepted]
    if refused:
        listed = "\n  ".join(_difference(name, pins, held) for name in refused)
        names = " ".join(f"--replace {name}" for name in refused)
        raise DroidbpfError(
            f"the hub has other bytes than the lock pins:\n  {listed}",
            f"ask the hub's owner why; {names} accepts them",
        )


def _difference(name: str, pins: Lock, held: Holding) -> str:
    pinned, (size, sha256) = pins.files[name], held.differing[name]
    return (
        f"{name}: the lock has sha256 {pinned.sha256} ({pinned.size} bytes), "
        f"the hub {sha256} ({size} bytes)"
    )


def _described(paths: list[str], hub: Hub, entries: dict[str, HubFile]) -> list[HubFile]:
    """Unpack and check archives of a hub, downloading those of a web server.

    Raises:
        DroidbpfError: one is damaged, or is not as in the index.
    """
    if folder := hub.folder:
        return index.describe_all({path: folder / path for path in paths})
    found = hub.obtain([entries[path] for path in paths])
    files = index.describe_all({path: found[entries[path].name] for path in paths})
    for file in files:
        entry = entries[file.path]
        if (file.btf_size, file.btf_sha256) != (entry.btf_size, entry.btf_sha256):
            raise DroidbpfError(f"the BTF in {file.path} is not the one of the hub's index")
    return [file._replace(url=redact(hub.url_of(file.path))) for file in files]


def _print(
    options: argparse.Namespace,
    pins: Lock,
    held: Holding,
    added: list[HubFile],
    replaced: list[HubFile],
) -> None:
    """Print what was done, or with --check what would be done."""
    if options.json:
        document = {
            "added": [file._asdict() for file in added],
            "replaced": [file._asdict() for file in replaced],
            "unpinned": sorted(held.unpinned.values()) if options.check else [],
            "differing": [
                {"name": name, "lock": pins.files[name].sha256, "hub": sha256}
                for name, (_, sha256) in held.differing.items()
            ],
            "absent": list(held.absent),
        }
        print_json(document)
        return
    for file in added:
        print(f"added {file.name}: {file.path}, {file.size} bytes")
    for file in replaced:
        print(f"replaced {_difference(file.name, pins, held)}")
    if options.check:
        for path in sorted(held.unpinned.values()):
            print(f"not in the lock: {path}")
        for name in held.differing:
            print(_difference(name, pins, held))
    if held.absent:
        print(f"not in the hub: {', '.join(held.absent)}")
    if not (added or replaced or held.unpinned or held.differing):
        print(f"the lock has all {len(held.files)} files of the hub")
