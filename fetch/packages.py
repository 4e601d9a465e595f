"""Files unpacked from the distribution's packages, in the cache at <kind>/<hash of the packages>.

A link <kind>/<name> names the folder in use. Both appear by a rename: what is there is complete.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cache, pins

FACTS = "facts.json"

# Returns the files for the folder by their paths in it, and further facts, from a .deb.
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
    chosen = [pin for pin in known if any(place.arch == arch for place in pin.alternatives)]
    return download.obtain_all(chosen, settings)


def current(kind: str, name: str, settings: Settings) -> Path | None:
    """Return the folder in use under a name, if there is one."""
    cache.check_owner(settings.cache, kind)
    folder = settings.cache / kind / name
    return folder.resolve() if _whole(folder) else None


def facts(folder: Path) -> dict[str, Any]:
    """Return what is known of a folder's packages."""
    known: dict[str, Any] = json.loads((folder / FACTS).read_text())
    return known


def _whole(folder: Path) -> bool:
    """Return whether a folder has its files: a power cut can leave them empty."""
    try:
        sizes = facts(folder)["sizes"]
        return all((folder / file).stat().st_size == sizes[file] for file in sizes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def install(
    kind: str,
    name: str,
    choose: Callable[[str], Sequence[str]],
    suites: Sequence[str],
    arch: str,
    settings: Settings,
    unpack: Unpack,
) -> Path:
    """Return the folder of the packages of the first suite that has them, and put it in use.

    Args:
        choose: returns the packages to take from a suite.
        arch: the distribution's name of the architecture: arm64, amd64 …

    Raises:
        CacheError: the cache fails, whatever the suite.
        DroidbpfError: no suite has them; each with its reason.
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
            root = cache.make_folder(settings.cache, kind)
            return _put(name, packages, debs, root, unpack)
    lines = "\n".join(reasons)
    raise DroidbpfError(
        f"the distribution's archive has no {name}:\n{lines}",
        "fetch it once without offline" if settings.offline else "check the network",
    )


def _put(
    name: str, packages: Sequence[str], debs: Sequence[Path], root: Path, unpack: Unpack
) -> Path:
    folder = root / hashlib.sha256("".join(deb.name for deb in debs).encode()).hexdigest()
    if not _whole(folder):
        files: dict[str, bytes] = {}
        record: dict[str, object] = {"package": " ".join(packages)}
        for deb in debs:
            found, known = unpack(deb)
            files |= found
            record |= known
        record["sizes"] = {file: len(data) for file, data in files.items()}
        for left in root.glob(f".new-{name}-????????"):  # by who was killed: we have the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=root, prefix=f".new-{name}-") as made:
            new = Path(made) / "new"
            for file, data in files.items():
                (new / file).parent.mkdir(parents=True, exist_ok=True)
                (new / file).write_bytes(data)
            (new / FACTS).write_text(json.dumps(record, indent=1))
            if folder.exists():
                folder.rename(Path(made) / "old")
            new.rename(folder)
    link = root / f".{name}.link"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(root / name)
    return folder
