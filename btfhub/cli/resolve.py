"""`./dev btfhub resolve`: which BTF fits a kernel release, and why."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from base.cli import print_json
from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import lock, match, names
from btfhub.hub import Hub

_MOST_OTHERS = 5  # of the text; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("release", metavar="RELEASE", help="what `uname -r` prints on the device")
    parser.add_argument(
        "--among", nargs="+", default=[], metavar="NAME", help="names to choose from [all known]"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print what fits; return 0, or 1 if nothing does."""
    release = names.parse_release(options.release.strip())  # adb may end the line with CR LF
    if options.among:
        paths = {}
        keys = [match.key(names.parse_name(name)) for name in options.among]
    else:
        files = Hub(options.hub, lock.load(options.lock), settings).holding().files
        paths = {name: file.path for name, file in files.items()}
        keys = list(_keys(paths))
    found = match.resolve(release, keys)
    if options.json:
        print_json(_document(release, found, paths))
    else:
        print("\n".join(_text(found, paths)))
    return 0 if found.key else 1


def _keys(paths: Mapping[str, str]) -> Iterator[match.Key]:
    """Yield the keys of a hub's files, by the names that the hub has for them."""
    for name, path in paths.items():
        try:
            key = match.key(names.parse_name(path))
        except DroidbpfError:
            continue  # a file that is not named after a kernel fits none
        yield key if key.name == name else key._replace(name=name)


def _step(found: match.Match) -> str:
    return found.step or f"embed it: ./dev scons app=NAME kernels={found.key and found.key.name}"


def _text(found: match.Match, paths: Mapping[str, str]) -> Sequence[str]:
    name = found.key.name if found.key else "nothing fits"
    others = [f"{k.name} ({confidence})" for confidence, k in found.others]
    if len(others) > _MOST_OTHERS:
        others[_MOST_OTHERS:] = [f"and {len(others) - _MOST_OTHERS} more"]
    rows = [
        ("file", paths.get(name, "")),
        ("confidence", found.confidence if found.key else ""),
        ("reason", found.reason),
        *(("warning", warning) for warning in found.warnings),
        ("others", ", ".join(others)),
        ("next", _step(found)),
    ]
    return [name, *(f"  {title:10}  {text}" for title, text in rows if text)]


def _document(
    release: names.Release, found: match.Match, paths: Mapping[str, str]
) -> dict[str, Any]:
    def file(k: match.Key, confidence: str) -> dict[str, str]:
        return {"name": k.name, "path": paths.get(k.name, ""), "confidence": confidence}

    return {
        "release": release._asdict() | {"branch": release.branch},
        "found": found.key and file(found.key, found.confidence),
        "reason": found.reason,
        "warnings": found.warnings,
        "others": [file(k, confidence) for confidence, k in found.others],
        "next": _step(found),
    }
