"""Packages by their names, as a signed index of the distribution's archive has them.

The archive's URI and keyring are the machine's (fetch/aptconf.py); apt checks signatures, with a
private state beside the system's: a folder with one lock below `<cache>/apt` for each suite and
architecture.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from fetch import aptconf, cache, download, programs
from fetch.errors import AbsentError
from fetch.pins import Alternative, Pin

INDEX_DAYS = 7
_UPDATE_SECONDS = 600


class AptError(DroidbpfError):
    """The distribution's archive has no such suite or package, or cannot be trusted."""


def binary(
    package: str,
    *,
    suite: str,
    arch: str,
    settings: Settings,
    version: str = "",
) -> Path:
    """Return a binary package (.deb), in the cache under its sha256.

    Args:
        arch: the distribution's name of the architecture: arm64, amd64 …
        version: exactly this version; "" for the suite's newest.

    Raises:
        AptError: no apt, another distribution, no such package, a bad signature, no network.
        AbsentError: no place gives it.
    """
    ask = partial(pin, package, suite=suite, arch=arch, settings=settings, version=version)
    named = ask()
    try:
        return download.obtain(named, settings)
    except AbsentError:
        if settings.offline or (newest := ask(days=0)) == named:
            raise
    return download.obtain(newest, settings)


def pin(
    package: str,
    *,
    suite: str,
    arch: str,
    settings: Settings,
    version: str = "",
    distribution: str = "",
    days: float = INDEX_DAYS,
) -> Pin:
    """Return the pin of a binary package by the suite's index. Arguments are those of show()."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() // 86400 * 86400))
    fields = show(
        package, suite=suite, arch=arch, settings=settings, version=version,
        distribution=distribution, days=days,
    )  # fmt: skip
    path, sha256, size = fields["Filename"], fields["SHA256"], int(fields["Size"])
    place = Alternative(
        distribution or aptconf.os_release().get("ID", ""), suite, path, now, sha256, size, arch
    )
    return Pin(f"{package}-{arch}", fields["Version"], place.filename, sha256, size, (), (place,))


def show(
    package: str,
    *,
    suite: str,
    arch: str,
    settings: Settings,
    version: str = "",
    distribution: str = "",
    days: float = INDEX_DAYS,
) -> dict[str, str]:
    """Return the fields of a binary package in the suite's index: Version, Depends, SHA256 …

    Args:
        distribution: ID of /etc/os-release that the suite belongs to; "" for this machine's.
        days: the index is fetched again if it is older, or has no such package.

    Raises:
        AptError: as binary().
    """
    name = f"{package}={version}" if version else package
    with _state(suite, arch, package, settings, distribution) as state:
        _update(state, settings, days)
        fields = _fields(state, name)
        if not fields and days and not settings.offline:
            _update(state, settings, 0)
            fields = _fields(state, name)
    if not fields:
        raise AptError(f"no package {name} in {suite}-{arch}")
    return fields


def depends(package: str, *, suite: str, arch: str, settings: Settings) -> tuple[str, ...]:
    """Return the names of the packages that a package depends on; of alternatives, the first."""
    fields = show(package, suite=suite, arch=arch, settings=settings)
    parts = filter(None, (part.strip() for part in fields.get("Depends", "").split(",")))
    return tuple(re.split(r"[\s(|:]", part, maxsplit=1)[0] for part in parts)


@contextlib.contextmanager
def _state(
    suite: str, arch: str, package: str, settings: Settings, distribution: str
) -> Iterator[Path]:
    """Lock the private state of a suite and an architecture, and yield its folder.

    Offline it is only read, and may be read-only: there is no lock.
    """
    for word in (suite, arch, package):
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", word):
            raise AptError(f"no such suite, architecture or package: {word!r}")
    aptconf.require_distribution(distribution)
    name = f"{suite}-{arch}"
    if settings.offline:
        cache.check_owner(settings.cache, "apt")
        yield settings.cache / "apt" / name
        return
    with cache.lock(settings.cache, f"apt-{name}"):
        folder = cache.make_folder(settings.cache, "apt") / name
        with cache.writing(settings.cache):
            folder.mkdir(mode=0o755, exist_ok=True)
        yield folder


def _update(state: Path, settings: Settings, days: float) -> None:
    """Fetch the index unless the one there is at most `days` old."""
    stamp = state / "updated"
    with contextlib.suppress(OSError):
        if settings.offline or time.time() - stamp.stat().st_mtime < days * 86400:
            stamp.stat()
            return
    if settings.offline:
        raise AptError(f"offline=1, and there is no index of {state.name} yet")
    suite, _, arch = state.name.rpartition("-")
    files = aptconf.make(state, suite, arch)
    with cache.writing(settings.cache):
        stamp.unlink(missing_ok=True)
        for name, text in files.items():
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text(text)
    _run(state, ["apt-get", "update", "-qq"])
    named = _run(state, ["apt-get", "indextargets", "--format", "$(CODENAME) $(SUITE)"]).split()
    if suite not in named:
        raise AptError(f"the archive has {printable(' or '.join(named))} where {suite} should be")
    stamp.touch()


def _fields(state: Path, name: str) -> dict[str, str]:
    """Return the fields of a package in the index; {} where it is not there."""
    text = _run(state, ["apt-cache", "show", "--no-all-versions", name], missing=True)
    stanza = text.split("\n\n")[0]
    fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
    return fields if {"Version", "Filename", "Size", "SHA256"} <= fields.keys() else {}


def _run(state: Path, command: list[str], *, missing: bool = False) -> str:
    """Run an apt program on the private state; return its output.

    Args:
        missing: return "" where apt finds no such package.
    """
    config = state / "apt.conf"
    done = programs.run(command, seconds=_UPDATE_SECONDS, config=config, folder=state)
    if done.returncode == 0:
        return done.stdout
    reason = programs.reason(done.stderr) or f"{command[0]} failed with status {done.returncode}"
    if missing and re.search(r"Unable to (find|locate)|No packages found", reason):
        return ""
    programs.check_space(done.stderr, state.parent.parent)
    raise AptError(reason)
