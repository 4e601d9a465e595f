"""A private apt configuration, made from the machine's own: its archive, its keyring, its proxies.

Read with `apt-get indextargets` (which archives are configured) and `apt-config dump` (how to reach
them).
"""

import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fetch.errors import DroidbpfError

# Taken over from the machine's configuration: how to reach an archive, and which keys to trust.
_KEPT = re.compile(r"Acquire::|Dir::Etc::(trusted|netrc)", re.IGNORECASE)
_DROPPED = re.compile(
    r"Acquire::(Allow|IndexTargets|Languages|GzipIndexes|Changelogs|cdrom|CompressionTypes)",
    re.IGNORECASE,
)

_FIELDS = ("REPO_URI", "RELEASE", "CODENAME", "ORIGIN", "COMPONENT", "ARCHITECTURE", "SOURCESENTRY")


@dataclass(frozen=True)
class Entry:
    """One archive that the machine's apt is configured with."""

    uri: str
    release: str
    codename: str
    origin: str
    component: str
    arch: str
    file: str


def require_distribution(wanted: str) -> None:
    """Refuse a suite of another distribution than the machine's; "" accepts any."""
    here = os_release().get("ID", "an unknown distribution")
    if wanted and wanted != here:
        raise DroidbpfError(f"this machine runs {here}, not {wanted}")


def os_release() -> dict[str, str]:
    """Read /etc/os-release (os-release(5))."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = re.findall(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", text, re.MULTILINE)
    return dict(pairs)


def write(folder: Path, suite: str, kind: str) -> None:
    """Write a private apt configuration for a suite; `kind` is an architecture or "source"."""
    entry = _choose(_entries(), suite, kind)
    for name in ("lists/partial", "cache/archives/partial", "empty"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    stanza = {
        "Types": "deb-src" if kind == "source" else "deb",
        "URIs": entry.uri,
        "Suites": suite,
        "Components": entry.component,
    }
    if kind != "source":
        stanza["Architectures"] = kind
    if key := _signed_by(entry):
        stanza["Signed-By"] = key
    sources = "".join(f"{key}: {value}\n" for key, value in stanza.items())
    _replace(folder / "archive.sources", sources)
    _replace(folder / "apt.conf", _configuration(folder, kind))


def reason(errors: str) -> str:
    """Give what apt complains about, on one line and without credentials."""
    lines = re.findall(r"^E: (.*)$", errors, re.MULTILINE)
    lines = lines or re.findall(r"^(?:W|Err)[: ](.*)$", errors, re.MULTILINE)
    text = "; ".join(dict.fromkeys(line.strip() for line in lines))
    return re.sub(r"://[^/@\s]*@", "://", text)


def _configuration(folder: Path, kind: str) -> str:
    arch = _output(["dpkg", "--print-architecture"]).strip() if kind == "source" else kind
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
    """Tell whether apt's unprivileged download user can reach the folder."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in (folder, *folder.absolute().parents))


def _entries() -> list[Entry]:
    layout = "\t".join(f"$({field})" for field in _FIELDS)
    text = _output(["apt-get", "indextargets", "--format", layout, "Created-By: Packages"])
    entries = []
    for line in text.splitlines():
        fields = ["" if f.startswith("$(") else f for f in line.split("\t")]
        if len(fields) == len(_FIELDS):
            entries.append(Entry(*fields))
    return entries


def _choose(entries: list[Entry], suite: str, kind: str) -> Entry:
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
            Path(entry.file.rsplit(":", 1)[0]).name
            not in ("sources.list", "debian.sources", "ubuntu.sources"),
            system.get("VERSION_CODENAME") not in (entry.codename, entry.release),
        )

    fit = [e for e in entries if e.component == "main" and not e.uri.startswith("cdrom:")]
    fit = [e for e in fit if not e.origin or e.origin.lower() == name]
    if security and name == "debian":
        fit = [e for e in fit if e.release.endswith("-security")]
    if name == "ubuntu" and kind not in ("source", "amd64", "i386"):  # these are on another host
        fit = [e for e in fit if e.arch == kind]
    if not fit:
        raise DroidbpfError(
            f"apt is configured with no archive of {name or 'the distribution'} that could carry "
            f"{suite} ({kind})",
            "add the distribution's archive to apt's sources",
        )
    return min(fit, key=rank)


def _signed_by(entry: Entry) -> str:
    """Give the Signed-By of the machine's entry (deb822 value or one-line option), or ""."""
    file, _, position = entry.file.rpartition(":")
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if file.endswith(".sources"):
        text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
        for stanza in re.split(r"\n[ \t]*\n", text):
            words = stanza.split()
            if {entry.uri, entry.uri.rstrip("/")} & set(words) and entry.release in words:
                found = re.search(r"^Signed-By:(.*(?:\n[ \t].*)*)", stanza, re.M | re.I)
                return found.group(1).strip() if found else ""
        return ""
    lines = text.splitlines()
    line = lines[int(position) - 1] if position.isdigit() and int(position) <= len(lines) else ""
    found = re.search(r"\[[^\]]*\bsigned-by=([^\]\s]+)", line, re.I)
    return found.group(1) if found else ""


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
    except FileNotFoundError as error:
        raise DroidbpfError(f"no {command[0]} on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise DroidbpfError(f"{command[0]} does not answer") from error
    if done.returncode:
        raise DroidbpfError(reason(done.stderr) or f"{command[0]} fails")
    return done.stdout


def _replace(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text:
        return
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)
