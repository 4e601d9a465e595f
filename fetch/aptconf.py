"""The machine's own apt: its archive, its keys, its proxies; a private configuration of these.

Read with `apt-get indextargets` (which archives are configured) and `apt-config dump` (how to reach
them).
"""

import re
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError
from fetch.pins import Alternative
from fetch.programs import reason, run

# Taken over from the machine's configuration: how to reach an archive, and which keys to trust.
_KEPT = re.compile(r"Acquire::|Dir::Etc::(trusted|netrc)", re.IGNORECASE)
_DROPPED = re.compile(
    r"Acquire::(Allow|IndexTargets|Languages|GzipIndexes|Changelogs|cdrom|CompressionTypes)",
    re.IGNORECASE,
)

_END_OF_LIFE = Path(__file__).parent / "end_of_life.txt"
_OFFICIAL = ("sources.list", "debian.sources", "ubuntu.sources")


class Entry(NamedTuple):
    """One archive that the machine's apt is configured with.

    `source` is the file that configures it and, after a colon, the number of its line or stanza.
    `origin` is known after an update.
    """

    uri: str
    release: str
    arch: str
    source: str
    origin: str


def require_distribution(name: str) -> None:
    """Refuse a suite of another distribution than the machine's."""
    here = os_release().get("ID", "an unknown distribution")
    if name != here:
        raise DroidbpfError(f"this machine runs {here}, not {name}")


def os_release() -> dict[str, str]:
    """Return the fields of /etc/os-release (os-release(5))."""
    text = _text(Path("/etc/os-release"))
    return dict(re.findall(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", text, re.MULTILINE))


def archive_uri(file: Alternative) -> str:
    """Return the URI of a file in the machine's archive that carries its suite."""
    require_distribution(file.distribution)
    return _choose(file.suite, file.arch).uri + file.path


def snapshot_uri(file: Alternative) -> str:
    """Return the URI of a file in the service that keeps old states of the archive.

    The service is apt's own (apt.conf(5), Acquire::Snapshots), or that of the comment that the
    makers of Debian's container images leave in apt's sources.
    """
    require_distribution(file.distribution)
    option = f'^Acquire::Snapshots::URI::Origin::{file.distribution} "(.*)@SNAPSHOTID@'
    comment = rf"^# *(https?://\S+/{file.distribution}/)[0-9]{{8}}T[0-9]{{6}}Z/?$"
    sources = {entry.source.rpartition(":")[0] for entry in _entries()}
    for text in (_output(["apt-config", "dump"]), *(_text(Path(path)) for path in sorted(sources))):
        if found := re.search(f"{option}|{comment}", text, re.MULTILINE | re.IGNORECASE):
            return f"{found[1] or found[2]}{file.snapshot}/{file.path}"
    raise DroidbpfError("apt names no snapshot service on this machine")


def make(folder: Path, suite: str, arch: str) -> dict[str, str]:
    """Return the files of a private apt configuration in a folder by name; apt.conf is the entry.

    A Release that has expired is refused, unless its suite is at its end of life.
    """
    entry = _choose(suite, arch)
    stanza = {
        "Types": "deb",
        "URIs": entry.uri,
        "Suites": suite,
        "Components": "main",
        "Architectures": arch,
    }
    if key := _signed_by(entry):
        stanza["Signed-By"] = key
    ended = suite in re.sub("#.*", "", _END_OF_LIFE.read_text()).split()
    own = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": folder / "archive.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Update::Error-Mode": "any",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::Languages": "none",
        "Acquire::Check-Date": "true",
        "Acquire::Check-Valid-Until": "false" if ended else "true",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
    }
    kept = [
        line
        for line in _output(["apt-config", "dump"]).splitlines()
        if _KEPT.match(line) and not _DROPPED.match(line)
    ]
    return {
        "archive.sources": "".join(f"{key}: {value}\n" for key, value in stanza.items()),
        "apt.conf": "\n".join([*kept, *(f'{key} "{value}";' for key, value in own.items()), ""]),
    }


def _entries() -> list[Entry]:
    fields = "$(REPO_URI)\t$(RELEASE)\t$(ARCHITECTURE)\t$(SOURCESENTRY)\t$(ORIGIN)"
    command = ["apt-get", "indextargets", "Component: main", "--format", fields]
    listed = _output(command) or _output([*command, "--no-release-info"])
    return [Entry(*line.replace("$(ORIGIN)", "").split("\t")) for line in listed.splitlines()]


def _choose(suite: str, arch: str) -> Entry:
    """Choose the archive that carries a suite of the machine's distribution.

    Args:
        arch: an architecture, or "" for sources.
    """
    system = os_release()
    name = system.get("ID", "")
    security = suite.endswith("-security")

    def rank(entry: Entry) -> tuple[bool, ...]:
        """Sort the distribution's own entries first: known by origin, else by its usual file."""
        return (
            entry.release != suite,
            entry.release.endswith("-security") != security,
            entry.origin.lower() != name,
            Path(entry.source.rpartition(":")[0]).name not in _OFFICIAL,
            entry.release != system.get("VERSION_CODENAME"),
        )

    fit = [e for e in _entries() if e.origin.lower() in ("", name)]
    if security and name == "debian":  # it has a host or a path of its own
        fit = [e for e in fit if e.release.endswith("-security")]
    if name == "ubuntu" and arch not in ("", "amd64", "i386"):  # these are on another host
        fit = [e for e in fit if e.arch == arch]
    if not fit:
        raise DroidbpfError(
            f"apt is configured with no archive of {name or 'the distribution'} that could carry "
            f"{suite} ({arch or 'sources'})",
            "add the distribution's archive to apt's sources",
        )
    return min(fit, key=rank)


def _signed_by(entry: Entry) -> str:
    """Return the Signed-By of the machine's entry (deb822 value or one-line option), or ""."""
    path, _, number = entry.source.rpartition(":")
    text = _text(Path(path))
    if path.endswith(".sources"):
        text = re.sub(r"^[ \t]*#.*\n?", "", text, flags=re.MULTILINE)
        stanza = re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))[int(number) - 1]
        form = r"^Signed-By:(.*(?:\n[ \t].*)*)"
    else:
        stanza = text.split("\n")[int(number) - 1]
        form = r"\bsigned-by=([^\]\s]+)"
    found = re.search(form, stanza, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _output(command: list[str]) -> str:
    """Run a program that only asks; apt is kept from writing its cache of the system's indexes."""
    if command[0] == "apt-get":
        command = [*command, "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
    done = run(command, seconds=60)
    if done.returncode:
        raise DroidbpfError(reason(done.stderr) or f"{command[0]} failed")
    return done.stdout
