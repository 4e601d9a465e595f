"""A private apt configuration, made from the machine's own: its archive, its keyring, its proxies.

Read with `apt-get indextargets` (which archives are configured) and `apt-config dump` (how to reach
them).
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError
from fetch.programs import reason, run

# Taken over from the machine's configuration: how to reach an archive, and which keys to trust.
_KEPT = re.compile(r"Acquire::|Dir::Etc::(trusted|netrc)", re.IGNORECASE)
_DROPPED = re.compile(
    r"Acquire::(Allow|IndexTargets|Languages|GzipIndexes|Changelogs|cdrom|CompressionTypes)",
    re.IGNORECASE,
)

_END_OF_LIFE = Path(__file__).parent / "end_of_life.txt"
_KEYS = ("REPO_URI", "RELEASE", "COMPONENT", "ARCHITECTURE", "SOURCESENTRY")
_OFFICIAL = ("sources.list", "debian.sources", "ubuntu.sources")


@dataclass(frozen=True)
class Entry:
    """One archive that the machine's apt is configured with.

    `source` is the file that configures it and, after a colon, the number of its line or stanza.
    `origin` is "" before an update.
    """

    uri: str
    release: str
    component: str
    arch: str
    source: str
    origin: str


def require_distribution(name: str) -> None:
    """Refuse a suite of another distribution than the machine's; "" accepts any."""
    here = os_release().get("ID", "an unknown distribution")
    if name and name != here:
        raise DroidbpfError(f"this machine runs {here}, not {name}")


def os_release() -> dict[str, str]:
    """Return the fields of /etc/os-release (os-release(5))."""
    text = _text(Path("/etc/os-release"))
    return dict(re.findall(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", text, re.MULTILINE))


def archive_uri(suite: str, arch: str) -> str:
    """Return the URI of the machine's archive that carries a suite, with a slash at its end.

    Args:
        arch: an architecture, or "" for sources.
    """
    return _choose(_entries(), suite, arch).uri


def make(folder: Path, suite: str, arch: str) -> dict[str, str]:
    """Return the files of a private apt configuration in a folder by name; apt.conf is the entry.

    A Release that has expired is refused, unless its suite is at its end of life.
    """
    entry = _choose(_entries(), suite, arch)
    stanza = {
        "Types": "deb",
        "URIs": entry.uri,
        "Suites": suite,
        "Components": entry.component,
        "Architectures": arch,
    }
    if key := _signed_by(entry):
        stanza["Signed-By"] = key
    ended = suite in re.sub("#.*", "", _END_OF_LIFE.read_text()).split()
    return {
        "archive.sources": "".join(f"{key}: {value}\n" for key, value in stanza.items()),
        "apt.conf": _configuration(folder, arch, expires=not ended),
        "status": "",
        "lists/partial/.keep": "",
        "cache/archives/partial/.keep": "",
        "empty/.keep": "",
    }


def _configuration(folder: Path, arch: str, *, expires: bool) -> str:
    own = {
        "Dir::Etc::main": folder / "empty/none",
        "Dir::Etc::parts": folder / "empty",
        "Dir::Etc::sourcelist": folder / "archive.sources",
        "Dir::Etc::sourceparts": folder / "empty",
        "Dir::Etc::preferences": folder / "empty/none",
        "Dir::Etc::preferencesparts": folder / "empty",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Update::Error-Mode": "any",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::Languages": "none",
        "Acquire::Check-Date": "true",
        "Acquire::Check-Valid-Until": "true" if expires else "false",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
    }
    if os.geteuid() == 0 and not _open_to_all(folder):
        own["APT::Sandbox::User"] = "root"
    kept = [
        line
        for line in _output(["apt-config", "dump"]).splitlines()
        if _KEPT.match(line) and not _DROPPED.match(line)
    ]
    return "\n".join([*kept, *(f'{key} "{value}";' for key, value in own.items()), ""])


def _open_to_all(folder: Path) -> bool:
    """Return whether apt's unprivileged download user can reach the folder."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in (folder, *folder.absolute().parents))


def _entries() -> list[Entry]:
    known = _output(["apt-get", "indextargets", "--format", "$(REPO_URI)\t$(RELEASE)\t$(ORIGIN)"])
    rows = (line.split("\t") for line in known.splitlines())
    origins = {(uri, release): origin.removeprefix("$(ORIGIN)") for uri, release, origin in rows}
    layout = "\t".join(f"$({key})" for key in _KEYS)
    every = ["apt-get", "indextargets", "--no-release-info", "--format", layout]
    return [
        Entry(uri, release, component, arch, source, origins.get((uri, release), ""))
        for uri, release, component, arch, source in (
            line.split("\t") for line in _output(every).splitlines()
        )
    ]


def _choose(entries: list[Entry], suite: str, arch: str) -> Entry:
    """Choose the archive that carries a suite of the machine's distribution."""
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

    fit = [e for e in entries if e.component == "main" and e.origin.lower() in ("", name)]
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
    stanza = _stanza(entry)
    found = re.search(r"^Signed-By:(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE | re.IGNORECASE)
    found = found or re.search(r"^deb.*\[[^\]]*\bsigned-by=([^\]\s]+)", stanza, re.IGNORECASE)
    return found.group(1).strip() if found else ""


def _stanza(entry: Entry) -> str:
    """Return the text that configures an entry: a line of a .list, a stanza of a .sources file."""
    path, _, number = entry.source.rpartition(":")
    text = _text(Path(path))
    if path.endswith(".sources"):
        text = re.sub(r"^[ \t]*#.*\n?", "", text, flags=re.MULTILINE)
        return re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))[int(number) - 1]
    return text.split("\n")[int(number) - 1]


def _source_files() -> list[Path]:
    command = ["apt-config", "shell", "A", "Dir::Etc::sourcelist/f", "B", "Dir::Etc::sourceparts/d"]
    paths = dict(re.findall(r"^([AB])='(.*)'$", _output(command), re.MULTILINE))
    parts = Path(paths.get("B", "/nonexistent"))
    more = sorted(p for p in parts.glob("*") if p.suffix in (".list", ".sources"))
    return [Path(paths["A"]), *more] if "A" in paths else more


def snapshots(distribution: str) -> str:
    """Return the URI of the service that keeps old states of the archive, with @SNAPSHOTID@.

    It is apt's own (apt.conf(5), Acquire::Snapshots), or that of the archive's Release file, or of
    the comment that the makers of Debian's container images leave in apt's sources; else "".
    """
    origin = f"Acquire::Snapshots::URI::Origin::{distribution} "
    for line in _output(["apt-config", "dump"]).splitlines():
        if line.lower().startswith(origin.lower()):
            return line.partition('"')[2].rpartition('"')[0]
    lists = re.findall(r"'(.*)'", _output(["apt-config", "shell", "A", "Dir::State::lists/d"]))
    for path in (path for folder in lists for path in sorted(Path(folder).glob("*Release"))):
        text = _text(path)
        named = re.search(r"^Origin: (\S+)$", text, re.MULTILINE)
        found = re.search(r"^Snapshots: (\S+)$", text, re.MULTILINE)
        if found and named and named[1].lower() == distribution:
            return found[1]
    comment = rf"^# *(https?://\S+/{distribution}/)[0-9]{{8}}T[0-9]{{6}}Z/?$"
    for path in _source_files():
        if found := re.search(comment, _text(path), re.MULTILINE):
            return f"{found[1]}@SNAPSHOTID@/"
    return ""


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
