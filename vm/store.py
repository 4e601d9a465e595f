"""Files unpacked from a package of the distribution, in the cache at vm/<sha256 of the package>.

A link vm/<name> names the folder in use. Both appear by a rename: what is there is complete.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cache

ARCH = "arm64"
FACTS = "facts.json"
_FOLDER = "vm"

# Returns the files for the folder by their names, and further facts, from a .deb.
Unpack = Callable[[Path], tuple[Mapping[str, bytes], Mapping[str, object]]]


def current(name: str, settings: Settings) -> Path | None:
    """Return the folder in use under a name, if there is one."""
    cache.check_owner(settings.cache, _FOLDER)
    folder = settings.cache / _FOLDER / name
    return folder.resolve() if _whole(folder) else None


def facts(folder: Path) -> dict[str, Any]:
    """Return what is known of a folder's package."""
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
    name: str,
    choose: Callable[[str], str],
    suites: Sequence[str],
    settings: Settings,
    unpack: Unpack,
) -> Path:
    """Return the folder of the package of the first suite that has it, and put it in use.

    Args:
        choose: returns the package to take from a suite.

    Raises:
        CacheError: the cache fails, whatever the suite.
        DroidbpfError: no suite has it; each with its reason.
    """
    from fetch import apt

    reasons = []
    for suite in suites:
        try:
            package = choose(suite)
            deb = apt.binary(package, suite=suite, arch=ARCH, settings=settings)
        except cache.CacheError:
            raise
        except DroidbpfError as error:
            reasons.append(f"  {suite}: {error.message}")
            continue
        with cache.lock(settings.cache, f"{_FOLDER}-{name}"), cache.writing(settings.cache):
            root = cache.make_folder(settings.cache, _FOLDER)
            return _put(name, package, deb, root, unpack)
    lines = "\n".join(reasons)
    raise DroidbpfError(
        f"the distribution's archive has no {name}:\n{lines}",
        "fetch it once without offline" if settings.offline else "check the network",
    )


def _put(name: str, package: str, deb: Path, root: Path, unpack: Unpack) -> Path:
    folder = root / deb.name
    if not _whole(folder):
        files, known = unpack(deb)
        sizes = {file: len(data) for file, data in files.items()}
        for left in root.glob(f".new-{name}-????????"):  # by who was killed: we have the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=root, prefix=f".new-{name}-") as made:
            new = Path(made) / "new"
            new.mkdir()
            for file, data in files.items():
                (new / file).write_bytes(data)
            (new / FACTS).write_text(json.dumps({"package": package, **known, "sizes": sizes}))
            if folder.exists():
                folder.rename(Path(made) / "old")
            new.rename(folder)
    link = root / f".{name}.link"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(root / name)
    return folder
