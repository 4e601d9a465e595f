"""Files taken out of the distribution's packages, in the cache at vm/<sha256 of the package>.

A link vm/<name> names the one in use. Both appear by a rename: what is there is complete.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fetch import apt, cache
from fetch.errors import DroidbpfError
from fetch.settings import Settings

ARCH = "arm64"
FACTS = "facts.json"


def current(name: str, settings: Settings) -> Path | None:
    """Give the folder in use under a name, if there is one."""
    folder = settings.cache / "vm" / name
    return folder.resolve() if _whole(folder) else None


def facts(folder: Path) -> dict[str, Any]:
    """Give what is known of a folder's package."""
    known: dict[str, Any] = json.loads((folder / FACTS).read_text())
    return known


def _whole(folder: Path) -> bool:
    """Tell whether a folder has its files: a power cut can leave them empty."""
    try:
        sizes = facts(folder)["sizes"]
        return all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def install(
    name: str,
    choose: Callable[[str], str],
    suites: Sequence[str],
    settings: Settings,
    unpack: Callable[[Path], tuple[Mapping[str, bytes], Mapping[str, object]]],
) -> Path:
    """Give the folder of a package of the first suite that has it, and put it in use.

    Args:
        choose: gives the package to take from a suite.
        unpack: gives the files for the folder, and what else is to be known, from the .deb.

    Raises:
        DroidbpfError: no suite could give it; each with its reason.
    """
    reasons = []
    for suite in suites:
        try:
            package = choose(suite)
            deb = apt.binary(package, suite=suite, arch=ARCH, settings=settings)
        except DroidbpfError as error:
            reasons.append(f"  {suite}: {error.message}")
            continue
        with cache.lock(settings.cache, f"vm-{name}"), cache.writing(settings.cache):
            return _put(name, package, deb, settings.cache / "vm", unpack)
    lines = "\n".join(reasons)
    raise DroidbpfError(
        f"the distribution's archive cannot give {name}:\n{lines}",
        "fetch it once without offline" if settings.offline else "check the network",
    )


def _put(
    name: str,
    package: str,
    deb: Path,
    root: Path,
    unpack: Callable[[Path], tuple[Mapping[str, bytes], Mapping[str, object]]],
) -> Path:
    folder = root / deb.name
    if not _whole(folder):
        files, known = unpack(deb)
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as made:
            new = Path(made) / "new"
            new.mkdir()
            for file, data in files.items():
                (new / file).write_bytes(data)
            sizes = {file: len(data) for file, data in files.items()}
            record = {"package": package, **known, "sizes": sizes}
            (new / FACTS).write_text(json.dumps(record, indent=1) + "\n")
            if folder.exists():
                shutil.rmtree(folder)
            new.rename(folder)
    link = root / f".{name}.link"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(root / name)
    return folder
