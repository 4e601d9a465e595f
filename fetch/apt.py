"""Files from the distribution's archive, by apt with a private state beside the system's own.

The archive's URI and keyring are the machine's (fetch/aptconf.py). Signatures are always checked.
Each suite and architecture has a folder of its own below `<cache>/apt`, with one lock.
"""

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import aptconf, cache

INDEX_DAYS = 7
_UPDATE_SECONDS = 600


class AptError(DroidbpfError):
    """apt cannot give the file."""


def source_file(
    source: str,
    version: str,
    suite: str,
    filename: str,
    settings: Settings,
    *,
    distribution: str = "",
) -> Path:
    """Give one file of a source package, in the cache under its sha256.

    Args:
        version: the version wanted; another of the suite is taken if it carries the same file.
        distribution: ID of /etc/os-release that the suite belongs to; "" for this machine's.

    Raises:
        AptError: no apt, another distribution, no such file, a bad signature, no network.
    """
    with _state(suite, "source", source, settings, distribution) as state:
        return _refreshed_if_outdated(
            state,
            settings,
            None,
            lambda: _download_source(state, source, version, filename, settings),
        )


def binary(
    package: str,
    *,
    suite: str,
    arch: str,
    settings: Settings,
    version: str = "",
    distribution: str = "",
) -> Path:
    """Give a binary package (.deb), in the cache under its sha256.

    Args:
        arch: the distribution's name of the architecture: arm64, amd64 …
        version: exactly this version; "" for the suite's newest.
        distribution: as for source_file().

    Raises:
        AptError: as source_file().
    """
    with _state(suite, arch, package, settings, distribution) as state:
        return _refreshed_if_outdated(
            state, settings, INDEX_DAYS, lambda: _download_binary(state, package, version, settings)
        )


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
        days: the index is fetched again where it is older.
    """
    with _state(suite, arch, package, settings, distribution) as state:
        _update(state, settings, days=days)
        return _show(state, package, version)


def depends(
    package: str, *, suite: str, arch: str, settings: Settings, distribution: str = ""
) -> tuple[str, ...]:
    """Name the packages that a package depends on; of alternatives, the first."""
    fields = show(package, suite=suite, arch=arch, settings=settings, distribution=distribution)
    wanted = filter(None, (part.strip() for part in fields.get("Depends", "").split(",")))
    return tuple(re.split(r"[\s(|:]", part, maxsplit=1)[0] for part in wanted)


class _OutdatedIndexError(AptError):
    """The index names what the archive no longer has, or not what is wanted: refresh it."""


@contextlib.contextmanager
def _state(
    suite: str, kind: str, package: str, settings: Settings, distribution: str
) -> Iterator[Path]:
    """Make and lock the private state of a suite; `kind` is an architecture or "source"."""
    for word in (suite, kind, package):
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", word):
            raise AptError(f"no such suite, architecture or package: {word!r}")
    aptconf.require_distribution(distribution)
    name = f"{suite}-{kind}"
    folder = settings.cache / "apt" / name
    with cache.lock(settings.cache, f"apt-{name}"):
        with cache.writing(settings.cache):
            folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _refreshed_if_outdated(
    state: Path, settings: Settings, days: float | None, download: Callable[[], Path]
) -> Path:
    """Download by an index at most `days` old (None: of any age), or else by a fresh one."""
    _update(state, settings, days=days)
    try:
        return download()
    except _OutdatedIndexError:
        if settings.offline:
            raise
    _update(state, settings, days=0)
    return download()


def _update(state: Path, settings: Settings, *, days: float | None) -> None:
    """Fetch the index unless the one there is at most `days` old (None: any age will do)."""
    stamp = state / "updated"
    with contextlib.suppress(OSError):
        if days is None or settings.offline or time.time() - stamp.stat().st_mtime < days * 86400:
            stamp.stat()
            return
    if settings.offline:
        raise AptError(f"offline=1, and there is no index of {state.name} yet")
    suite, _, kind = state.name.rpartition("-")
    command = ["apt-get", "update", "-qq"]
    files = aptconf.make(state, suite, kind)
    with cache.writing(settings.cache):
        stamp.unlink(missing_ok=True)
        for name, text in files.items():
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_text(text)
    try:
        _run(state, command, settings.cache, seconds=_UPDATE_SECONDS)
    except AptError as error:
        # The index of a suite that is no longer maintained expires. Its signature is still good, so
        # the worst is an old index, and that is what such a suite has.
        if "expired" not in error.message:
            raise
        settings.report(f"{error.message}; it is used all the same: its signature is good")
        command += ["-o", "Acquire::Check-Valid-Until=false"]
        _run(state, command, settings.cache, seconds=_UPDATE_SECONDS)
    stamp.touch()


def _download_source(
    state: Path, source: str, version: str, filename: str, settings: Settings
) -> Path:
    versions = _source_versions(state, source, filename)
    if not versions:
        raise _OutdatedIndexError(f"source package {source} has no file {filename}")
    chosen = version if version in versions else versions[-1]
    command = ["apt-get", "source", "-qq", "--download-only", "--only-source"]
    if ".orig." in filename:
        command.append("--tar-only")
    return _download(state, [*command, f"{source}={chosen}"], filename, settings)


def _source_versions(state: Path, source: str, filename: str) -> list[str]:
    """List the versions of a source package in the index that have the file."""
    text = _run(state, ["apt-cache", "showsrc", "--only-source", source], None, missing="")
    found = []
    for stanza in text.split("\n\n"):
        if re.search(rf"^ [0-9a-f]{{64}} [0-9]+ {re.escape(filename)}$", stanza, re.MULTILINE):
            found += re.findall(r"^Version: (\S+)$", stanza, re.MULTILINE)
    return found


def _download_binary(state: Path, package: str, version: str, settings: Settings) -> Path:
    fields = _show(state, package, version)
    sha256, size = fields["SHA256"], int(fields["Size"])
    if found := cache.find_or_remove(settings.cache, sha256, size, settings.report):
        return found
    if settings.offline:
        raise AptError(f"offline=1, and {package} {fields['Version']} is not in the cache")
    cache.check_space(settings.cache, size)
    command = ["apt-get", "download", "-qq", f"{package}={fields['Version']}"]
    settings.progress(f"{package}.deb", 0, size)
    found = _download(state, command, "*.deb", settings)
    settings.progress(f"{package}.deb", size, size)
    return found


def _show(state: Path, package: str, version: str) -> dict[str, str]:
    name = f"{package}={version}" if version else package
    text = _run(state, ["apt-cache", "show", "--no-all-versions", name], None, missing="")
    stanza = text.split("\n\n")[0]
    fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
    if not {"Version", "Size", "SHA256"} <= fields.keys():
        raise _OutdatedIndexError(f"no package {name} in {state.name}")
    return fields


def _download(state: Path, command: list[str], pattern: str, settings: Settings) -> Path:
    """Run apt in an empty folder and move the file that appears into the cache."""
    for left in state.glob("download-*"):  # by who was killed: we have the lock
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=state, prefix="download-") as folder:
        _run(state, command, settings.cache, folder=Path(folder), seconds=_UPDATE_SECONDS)
        files = list(Path(folder).glob(pattern))
        if len(files) != 1:
            raise AptError(f"apt gave no file {pattern}")
        sha256 = cache.digest(files[0])
        adopted = cache.adopt(files[0], settings.cache, sha256, files[0].stat().st_size)
    assert adopted is not None
    return adopted


def _run(
    state: Path,
    command: list[str],
    space: Path | None,
    *,
    folder: Path | None = None,
    seconds: float = 120,
    missing: str | None = None,
) -> str:
    """Run an apt program on the private state and give its output.

    Args:
        space: the cache to name when its disk is full.
        missing: the output to give where apt finds no such package; None: that is an error.
    """
    done = aptconf.run(command, seconds=seconds, config=state / "apt.conf", folder=folder or state)
    if done.returncode == 0:
        return done.stdout
    reason = aptconf.reason(done.stderr) or f"{command[0]} failed with status {done.returncode}"
    if space and re.search("No space left on device|enough free space", done.stderr):
        raise cache.full(space, 0)
    if missing is not None and re.search(r"Unable to (find|locate)|No packages found", reason):
        return missing
    if re.search(r"\b404\b|Hash Sum mismatch", reason):
        raise _OutdatedIndexError(reason)
    raise AptError(reason)
