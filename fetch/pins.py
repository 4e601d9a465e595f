"""The pins: which archive exactly (sha256 and size), and the places that have it.

The format of third_party/sources.toml, one table per archive:

    [NAME]
    version, filename, sha256
    urls                        upstream's, in order, if it has any
    size                        bytes; 0 where it is not known: the hash decides, within LARGEST

    [[NAME.distribution]]       a distribution's archive that has it, too (any number)
    id (ID of /etc/os-release), suite
    path                        below the archive's URI: pool/main/…
    snapshot                    a time when the archive had it: 20260711T000000Z
    arch                        only of a binary package, its architecture: arm64, amd64 …
    sha256, size                only where the distribution repacked the archive
    layout                      only where its folders are others: {upstream's folder = its folder}
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError

_PIN_KEYS = {"version": str, "filename": str, "sha256": str, "size": int, "urls": list}
_ALTERNATIVE_KEYS = {"id": str, "suite": str, "path": str, "snapshot": str, "arch": str}
_HASH_KEYS = {"sha256": str, "size": int}
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+~-]*"
_FORMS = {
    "filename": (_NAME, "a plain file name"),
    "suite": (r"[a-z0-9][a-z0-9.+-]*", "a plain word"),
    "arch": (r"([a-z0-9][a-z0-9-]*)?", "a plain word"),
    "path": (rf"pool(/{_NAME})+", "a path that begins with pool/"),
    "snapshot": (r"[0-9]{8}T[0-9]{6}Z", "a time like 20260711T000000Z"),
}
LARGEST = 64 << 20  # bytes that are read of an archive whose size is not known


@dataclass(frozen=True)
class Alternative:
    """The same content as a file of a distribution's archive.

    `path` is below the archive's URI; `snapshot` is a time when the archive had it. `sha256` and
    `size` (bytes) are the pin's, unless the distribution repacked the archive. `arch` is "" for
    sources. `layout` pairs upstream's folders with this archive's, where they differ.
    """

    distribution: str
    suite: str
    path: str
    snapshot: str
    sha256: str
    size: int
    arch: str = ""
    layout: tuple[tuple[str, str], ...] = ()

    @property
    def filename(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Pin:
    """One pinned archive: `sha256` in lowercase hex, `size` in bytes or 0, upstream's `urls`."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    urls: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def accepted(self) -> dict[str, int]:
        """Every sha256 that satisfies the pin, with its size in bytes: upstream's first."""
        return {self.sha256: self.size} | {a.sha256: a.size for a in self.alternatives}

    def layout(self, sha256: str) -> dict[str, str]:
        """Return {upstream's folder: the folder of the archive of this sha256}; {}: the same."""
        return next((dict(a.layout) for a in self.alternatives if a.sha256 == sha256), {})


def load(path: Path) -> dict[str, Pin]:
    """Return the pins of a file by their names; every field is checked.

    Raises:
        DroidbpfError: the file cannot be read, or a pin is incomplete: nothing is fetched unpinned.
    """
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise DroidbpfError(f"cannot read the pins in {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DroidbpfError(f"{path} is not valid TOML: {error}") from error
    return {name: _pin(path, name, table) for name, table in tables.items()}


def _pin(path: Path, name: str, table: Any) -> Pin:
    where = f"{path}: [{name}]"
    if not isinstance(table, dict):
        raise DroidbpfError(f"{where} is not a table")
    table = dict(table)
    table.setdefault("urls", [])
    distributions = table.pop("distribution", [])
    if not isinstance(distributions, list):
        raise DroidbpfError(f"{where}: distribution must be written [[{name}.distribution]]")
    _check(where, table, _PIN_KEYS)
    if not all(isinstance(u, str) and u.startswith(("https://", "http://")) for u in table["urls"]):
        raise DroidbpfError(f"{where}: urls must be a list of http(s) URLs")
    alternatives = []
    for entry in distributions:
        place = f"{path}: [[{name}.distribution]]"
        own = entry if isinstance(entry, dict) else {}
        full = {"arch": "", **{key: table[key] for key in _HASH_KEYS}, **own}
        layout = _layout(place, full.pop("layout", {}))
        _check(place, full, _ALTERNATIVE_KEYS | _HASH_KEYS)
        alternatives.append(Alternative(distribution=full.pop("id"), layout=layout, **full))
    table["urls"] = tuple(table["urls"])
    return Pin(name=name, alternatives=tuple(alternatives), **table)


def _layout(where: str, layout: Any) -> tuple[tuple[str, str], ...]:
    folder = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")
    names = [*layout, *layout.values()] if isinstance(layout, dict) else [None]
    if not all(isinstance(name, str) and folder.fullmatch(name) for name in names):
        raise DroidbpfError(f"{where}: layout must pair upstream's folders with the archive's")
    return tuple(layout.items())


def _check(where: str, table: dict[str, Any], keys: Mapping[str, type]) -> None:
    """Refuse a table with missing, unknown or malformed fields."""
    for key, kind in keys.items():
        if key not in table:
            hint = "`./dev fetch pin FILE_OR_URL` prints it" if key in _HASH_KEYS else ""
            raise DroidbpfError(f"{where} has no {key}", hint)
        if type(table[key]) is not kind:
            raise DroidbpfError(f"{where}: {key} must be of type {kind.__name__}")
    if unknown := sorted(table.keys() - keys.keys()):
        raise DroidbpfError(f"{where}: unknown key {unknown[0]}")
    if not re.fullmatch(r"[0-9a-f]{64}", table["sha256"]):
        raise DroidbpfError(f"{where}: sha256 must be 64 lowercase hex digits")
    if table["size"] < 0:
        raise DroidbpfError(f"{where}: size must be a number of bytes, or 0: not known")
    for key, (pattern, expected) in _FORMS.items():
        if key in table and not re.fullmatch(pattern, table[key]):
            raise DroidbpfError(f"{where}: {key} must be {expected}")
