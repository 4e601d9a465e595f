"""The pins: which archive exactly (sha256 and size), and where it can be had.

The format of third_party/sources.toml, one table per archive:

    [NAME]
    version, filename, sha256, urls (upstream's, in order)
    size                        bytes; 0 where it is not known: the hash decides, within LARGEST

    [[NAME.distribution]]       the same archive in a distribution's source archive (any number)
    id (ID of /etc/os-release), suite, source, version, filename
    sha256, size                only where the distribution repacked the archive
    layout                      only where its folders are others: {upstream's folder = its folder}

    [NAME.pool]                 for a binary package (.deb): where a distribution's archive has it
    id, suite, arch (the distribution's name: arm64, amd64 …)
    path                        below the archive's URI: pool/main/…
    snapshot                    a time when the archive had it: 20260711T000000Z
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError

_PIN_KEYS = {"version": str, "filename": str, "sha256": str, "size": int, "urls": list}
_ALTERNATIVE_KEYS = {"id": str, "suite": str, "source": str, "version": str, "filename": str}
_POOL_KEYS = {"id": str, "suite": str, "arch": str, "path": str, "snapshot": str}
_HASH_KEYS = {"sha256": str, "size": int}
LARGEST = 64 << 20  # bytes that are read of an archive whose size is not known


@dataclass(frozen=True)
class Alternative:
    """The same sources as a file of a distribution's source package.

    `sha256` and `size` (bytes) are upstream's, unless the distribution repacked the archive.
    `layout` pairs upstream's folders with this archive's, where they differ; () where they do not.
    """

    distribution: str
    suite: str
    source: str
    version: str
    filename: str
    sha256: str
    size: int
    layout: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pool:
    """Where a distribution's archive has a binary package.

    `path` is below the archive's URI; `snapshot` is a time when the archive had it.
    """

    distribution: str
    suite: str
    arch: str
    path: str
    snapshot: str


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
    pool: Pool | None = None

    @property
    def accepted(self) -> dict[str, int]:
        """Every sha256 that satisfies the pin, with its size in bytes: upstream's first."""
        return {self.sha256: self.size} | {a.sha256: a.size for a in self.alternatives}

    def layout(self, sha256: str) -> dict[str, str]:
        """Give {upstream's folder: the folder of the archive of this sha256}; {}: the same."""
        return next((dict(a.layout) for a in self.alternatives if a.sha256 == sha256), {})


def load(path: Path) -> dict[str, Pin]:
    """Read a file of pins, checking every field.

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
    distributions = table.pop("distribution", [])
    pool = _pool(f"{path}: [{name}.pool]", table.pop("pool")) if "pool" in table else None
    if not isinstance(distributions, list):
        raise DroidbpfError(f"{where}: distribution must be written [[{name}.distribution]]")
    _check(where, table, _PIN_KEYS)
    _check_hash(where, table)
    if not all(isinstance(u, str) and u.startswith(("https://", "http://")) for u in table["urls"]):
        raise DroidbpfError(f"{where}: urls must be a list of http(s) URLs")
    alternatives = []
    for entry in distributions:
        place = f"{path}: [[{name}.distribution]]"
        full = {key: table[key] for key in _HASH_KEYS} | (entry if isinstance(entry, dict) else {})
        layout = _layout(place, full.pop("layout", {}))
        _check(place, full, _ALTERNATIVE_KEYS | _HASH_KEYS)
        _check_hash(place, full)
        alternatives.append(Alternative(distribution=full.pop("id"), layout=layout, **full))
    table["urls"] = tuple(table["urls"])
    return Pin(name=name, alternatives=tuple(alternatives), pool=pool, **table)


def _pool(where: str, table: Any) -> Pool:
    if not isinstance(table, dict):
        raise DroidbpfError(f"{where} is not a table")
    _check(where, table, _POOL_KEYS)
    if not re.fullmatch(r"pool(/[A-Za-z0-9][A-Za-z0-9._+~-]*)+", table["path"]):
        raise DroidbpfError(f"{where}: path must begin with pool/")
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", table["snapshot"]):
        raise DroidbpfError(f"{where}: snapshot must be a time like 20260711T000000Z")
    return Pool(distribution=table["id"], **{k: v for k, v in table.items() if k != "id"})


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
    for key in ("suite", "source", "version"):
        if key in table and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+~:-]*", table[key]):
            raise DroidbpfError(f"{where}: {key} has characters that it cannot have")


def _check_hash(where: str, table: dict[str, Any]) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", table["sha256"]):
        raise DroidbpfError(f"{where}: sha256 must be 64 lowercase hex digits")
    if table["size"] < 0:
        raise DroidbpfError(f"{where}: size must be a number of bytes, or 0: not known")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~-]*", table["filename"]):
        raise DroidbpfError(f"{where}: filename must be a plain file name")
