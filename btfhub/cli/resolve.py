"""`python -m btfhub resolve`: which BTF fits a kernel release, and why."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from btfhub import lock, match, names
from fetch.errors import DroidbpfError
from fetch.settings import Settings

_MOST_OTHERS = 5  # of the text; --json tells all


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("release", metavar="RELEASE", help="what `uname -r` prints on the device")
    parser.add_argument(
        "--among", nargs="+", default=[], metavar="NAME", help="names to choose from [all known]"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Tell what fits; give 0, or 1 where nothing does."""
    release = names.parse_release(options.release.strip())  # adb may end the line with CR LF
    paths = _paths(options)
    keys = [match.key(names.parse_name(name)) for name in options.among or paths]
    found = match.resolve(release, keys)
    print(_json(release, found, paths) if options.json else "\n".join(_text(found, paths)))
    return 0 if found.key else 1


def _paths(options: argparse.Namespace) -> dict[str, str]:
    """Give the path below the hub of each file that it has, by name."""
    if options.hub:
        from btfhub import mirror

        files = mirror.listing(options.hub, lock.load(options.lock))
    elif options.among:
        return {}
    else:
        files = lock.load(options.lock).files
    if not files:
        raise DroidbpfError(
            f"there is no BTF in {options.hub or options.lock}", "python -m btfhub list lists them"
        )
    return {name: file.path for name, file in files.items()}


def _step(found: match.Match) -> str:
    return found.step or f"embed it: scons app=NAME kernels={found.key and found.key.name}"


def _text(found: match.Match, paths: dict[str, str]) -> Sequence[str]:
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


def _json(release: names.Release, found: match.Match, paths: dict[str, str]) -> str:
    def file(k: match.Key, confidence: str) -> dict[str, str]:
        return {"name": k.name, "path": paths.get(k.name, ""), "confidence": confidence}

    document = {
        "schema": 1,
        "release": asdict(release) | {"branch": release.branch},
        "found": found.key and file(found.key, found.confidence),
        "reason": found.reason,
        "warnings": found.warnings,
        "others": [file(k, confidence) for confidence, k in found.others],
        "next": _step(found),
    }
    return json.dumps(document, indent=2)
