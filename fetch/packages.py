"""Files taken out of the distribution's packages, in the cache at <kind>/<hash of the packages>.

A link <kind>/<name> names the folder in use. Both appear by a rename: what is there is complete.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cache, pins

FACTS = "facts.json"

# Gives the files for the folder, by their paths in it, and what else is to be known, from a .deb.
Unpack = Callable[[Path], tuple[Mapping[str, bytes], Mapping[str, object]]]


def obtain_pinned(path: Path, arch: str, settings: Settings) -> dict[str, Path]:
    """Obtain the binary packages of an architecture that a file of pins names, each verified.

    Args:
        path: a file of pins, each with a [[NAME.distribution]] that has an arch (fetch/pins.py).
        arch: the distribution's name of the architecture: arm64, amd64 …

    Returns:
        The packages (.deb) in the cache by their pins' names, in the file's order.

    Raises:
        DroidbpfError: no place gives a package; names the places and the remedies.
    """
    from fetch import download

    known = pins.load(path).values()
    wanted = [pin for pin in known if any(place.arch == arch for place in pin.alternatives)]
    return download.obtain_all(wanted, settings)


def current(
    kind: str, name: str, settings: Settings, checked: Iterable[str] | None = None
) -> Path | None:
    """Give the folder in use under a name, if there is one.

    Args:
        checked: the files whose sizes are compared with what was unpacked; None for all.
    """
    folder = settings.cache / kind / name
    return folder.resolve() if _whole(folder, checked) else None


def facts(folder: Path) -> dict[str, Any]:
    """Give what is known of a folder's packages."""
    known: dict[str, Any] = json.loads((folder / FACTS).read_text())
    return known


def _whole(folder: Path, checked: Iterable[str] | None = None) -> bool:
    """Tell whether a folder has its files: a power cut can leave them empty."""
    try:
        sizes = facts(folder)["sizes"]
        return all(
            (folder / file).stat().st_size == sizes[file]
            for file in (sizes if checked is None else checked)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def intact(folder: Path) -> bool:
    """Tell whether a folder holds what was unpacked, byte for byte, and no other file."""
    try:
        return bool(facts(folder)["sha256"] == _digest(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digest(folder: Path) -> str:
    """Give the hash of the names and contents of all files of a folder but the facts."""
    found = []
    for path, _, names in os.walk(folder):
        found += [os.path.join(path, name) for name in names]  # noqa: PTH118 - of 1100 files
    total = hashlib.sha256()
    for file in sorted(found):
        name = file[len(str(folder)) + 1 :]
        if name != FACTS:
            with open(file, "rb") as opened:  # noqa: PTH123
                total.update(f"{name}\0".encode() + hashlib.sha256(opened.read()).digest())
    return total.hexdigest()


def install(
    kind: str,
    name: str,
    choose: Callable[[str], Sequence[str]],
    suites: Sequence[str],
    arch: str,
    settings: Settings,
    unpack: Unpack,
) -> Path:
    """Give the folder of the packages of the first suite that has them, and put it in use.

    Args:
        choose: gives the packages to take from a suite.
        arch: the distribution's name of the architecture: arm64, amd64 …

    Raises:
        CacheError: the cache fails, whatever the suite.
        DroidbpfError: no suite could give them; each with its reason.
    """
    from fetch import apt

    reasons = []
    for suite in suites:
        try:
            packages = choose(suite)
            debs = [apt.binary(p, suite=suite, arch=arch, settings=settings) for p in packages]
        except cache.CacheError:
            raise
        except DroidbpfError as error:
            reasons.append(f"  {suite}: {error.message}")
            continue
        with cache.lock(settings.cache, f"{kind}-{name}"), cache.writing(settings.cache):
            return _put(name, packages, debs, settings.cache / kind, unpack)
    lines = "\n".join(reasons)
    raise DroidbpfError(
        f"the distribution's archive cannot give {name}:\n{lines}",
        "fetch it once without offline" if settings.offline else "check the network",
    )


def _put(
    name: str, packages: Sequence[str], debs: Sequence[Path], root: Path, unpack: Unpack
) -> Path:
    folder = root / hashlib.sha256("".join(deb.name for deb in debs).encode()).hexdigest()
    if not intact(folder):
        files: dict[str, bytes] = {}
        record: dict[str, object] = {"package": " ".join(packages)}
        for deb in debs:
            found, known = unpack(deb)
            files |= found
            record |= known
        record["sizes"] = {file: len(data) for file, data in files.items()}
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob(f".new-{name}-????????"):  # by who was killed: we have the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=root, prefix=f".new-{name}-") as made:
            new = Path(made) / "new"
            for file, data in files.items():
                (new / file).parent.mkdir(parents=True, exist_ok=True)
                (new / file).write_bytes(data)
            record["sha256"] = _digest(new)
            (new / FACTS).write_text(json.dumps(record, indent=1))
            if folder.exists():
                folder.rename(Path(made) / "old")
            new.rename(folder)
    link = root / f".{name}.link"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(root / name)
    return folder
