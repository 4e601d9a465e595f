"""Packages by their names, as a signed index of the distribution's archive has them.

The archive's URI and keyring are the machine's (fetch/aptconf.py); apt checks signatures, with a
private state beside the system's: a folder with one lock below `<cache>/apt` for each suite and
architecture.
"""

import functools
import re
import time
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from fetch import aptconf, cache, download, programs
from fetch.pins import Alternative, Pin

_SECONDS = 600


def binary(package: str, *, suite: str, arch: str, settings: Settings) -> Path:
    """Return a suite's newest binary package (.deb), in the cache under its sha256.

    Args:
        arch: the distribution's name of the architecture: arm64, amd64 …

    Raises:
        DroidbpfError: no apt, no such package, a bad signature, no network.
    """
    named = pin(package, suite=suite, arch=arch, settings=settings)
    return download.obtain(named, settings)


def pin(package: str, *, suite: str, arch: str, settings: Settings) -> Pin:
    """Return the pin of a suite's newest binary package. Arguments and errors are binary()'s."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() // 86400 * 86400))
    fields = show(package, suite=suite, arch=arch, settings=settings)
    path, sha256, size = fields["Filename"], fields["SHA256"], int(fields["Size"])
    distribution = aptconf.os_release().get("ID", "")
    place = Alternative(distribution, suite, path, now, sha256, size, arch)
    return Pin(f"{package}-{arch}", fields["Version"], place.filename, sha256, size, (), (place,))


def depends(package: str, *, suite: str, arch: str, settings: Settings) -> tuple[str, ...]:
    """Return the names of the packages that a package depends on; of alternatives, the first."""
    fields = show(package, suite=suite, arch=arch, settings=settings)
    parts = filter(None, (part.strip() for part in fields.get("Depends", "").split(",")))
    return tuple(re.split(r"[\s(|:]", part, maxsplit=1)[0] for part in parts)


def show(package: str, *, suite: str, arch: str, settings: Settings) -> dict[str, str]:
    """Return a binary package's fields in the suite's index: Version, Depends, SHA256 …

    The index is fetched once by each process. Offline it is only read, and may be read-only: there
    is no lock. Arguments and errors are binary()'s.
    """
    for word in (suite, arch, package):
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", word):
            raise DroidbpfError(f"no such suite, architecture or package: {word!r}")
    state = settings.cache / "apt" / f"{suite}-{arch}"
    if settings.offline:
        cache.check_owner(settings.cache, "apt", f"apt/{state.name}")
        if not any((state / "lists").glob("*Release")):
            raise DroidbpfError(f"offline=1, and there is no index of {state.name} yet")
        return _fields(state, suite, package)
    with cache.lock(settings.cache, f"apt-{state.name}"):
        for name in ("apt", f"apt/{state.name}"):
            cache.make_folder(settings.cache, name)
        _update(state, suite, arch)
        return _fields(state, suite, package)


@functools.cache
def _update(state: Path, suite: str, arch: str) -> None:
    with cache.writing(state.parent.parent):
        for folder in ("lists/partial", "cache"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        for name, text in aptconf.make(state, suite, arch).items():
            (state / name).write_text(text)
    _run(state, "apt-get", "update", "-qq")


def _fields(state: Path, suite: str, package: str) -> dict[str, str]:
    named = _run(state, "apt-get", "indextargets", "--format", "$(CODENAME) $(SUITE)").split()
    if suite not in named:
        raise DroidbpfError(
            f"the archive has {printable(' or '.join(named))} where {suite} should be"
        )
    first = _run(state, "apt-cache", "show", "--no-all-versions", package).partition("\n\n")[0]
    fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", first, re.MULTILINE))
    if not fields.keys() >= {"Version", "Filename", "Size", "SHA256"}:
        raise DroidbpfError(f"no package {package} in {state.name}")
    return fields


def _run(state: Path, *command: str) -> str:
    """Run an apt program on the private state; return its output."""
    done = programs.run([*command], seconds=_SECONDS, config=state / "apt.conf")
    if done.returncode == 0 or re.search("No packages found", done.stderr):
        return done.stdout
    programs.check_space(done.stderr, state.parent.parent)
    reason = programs.reason(done.stderr)
    raise DroidbpfError(reason or f"{command[0]} failed with status {done.returncode}")
