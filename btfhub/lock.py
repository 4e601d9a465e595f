"""The lock of a hub: the sha256, size and place of the file that each name stands for.

btfhub.lock and a hub's index.json are the same JSON, {"schema": 1, "url": …, "files": [{…}, …]}:
`url` is what upstream's paths are below, at a fixed commit; each file has the fields of HubFile.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from base.errors import DroidbpfError, printable
from btfhub.file_errors import file_errors, write_file

SCHEMA = 1
SUFFIX = ".btf.tar.xz"
LARGEST = 16 << 20  # of a lock or an index, bytes
LARGEST_FILE = 64 << 20  # of an archive or of the BTF in it, bytes
# Bounded repeats take milliseconds to compile: is_form() bounds what these let pass.
_PART = r"[A-Za-z0-9][A-Za-z0-9._+~:@-]*"
PATH = re.compile(rf"(?:{_PART}/)*{_PART}")
_BASE = re.compile(r"(?:https?://[!-~]+/)?")
_HASH = re.compile(r"[0-9a-f]{64}")
_FORMS = {
    "name": PATH,
    "path": re.compile(rf"(?:{_PART}/)*{_PART}\.btf\.tar\.xz"),
    "sha256": _HASH,
    "btf_sha256": _HASH,
    "branch": re.compile(rf"(?:{_PART})?"),
    "month": re.compile(r"(?:[0-9]{4}-[0-9]{2})?"),
    "url": re.compile(r"(?:https?://[!-~]+)?"),
}
_MOST_PARTS = 8
_MOST_LETTERS = 2000
_SIZES = ("size", "btf_size")
_OPTIONAL = {"branch", "month", "url"}


class HubFile(NamedTuple):
    """One BTF of a hub: sizes in bytes, hashes in lowercase hex.

    Args:
        path: below the hub: "common-android12-5.10/a12-5.10-2022-05-arm64.btf.tar.xz".
        size, sha256: of the archive.
        btf_size, btf_sha256: of the BTF in it.
        branch: "android12-5.10", a vendor or a distribution.
        month: "2022-05", or "".
        url: where upstream has the archive; "" where only some hub has it.
    """

    name: str
    path: str
    size: int
    sha256: str
    btf_size: int
    btf_sha256: str
    branch: str = ""
    month: str = ""
    url: str = ""


class Lock(NamedTuple):
    """Upstream's URL at a fixed commit (ends with "/"; "" for none), and the files by name."""

    url: str
    files: dict[str, HubFile]


def load(path: Path) -> Lock:
    """Read a lock.

    Raises:
        DroidbpfError: it cannot be read, or is malformed.
    """
    with file_errors("read the lock", path), path.open("rb") as file:
        data = file.read(LARGEST + 1)
    return parse(data, printable(str(path)))


def parse(data: bytes, where: str) -> Lock:
    """Read the JSON of a lock or of an index, which may be hostile.

    Args:
        where: what messages call it.

    Raises:
        DroidbpfError: it is malformed.
    """
    if len(data) > LARGEST:
        raise DroidbpfError(f"{where} is larger than {LARGEST} bytes")
    try:
        top = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DroidbpfError(f"{where} is not valid JSON: {str(error)[:200]}") from error
    if not isinstance(top, dict) or type(top.get("schema")) is not int:
        raise DroidbpfError(f"{where} is neither the lock nor the index of a hub")
    if top["schema"] != SCHEMA:
        raise DroidbpfError(
            f"{where} has schema {str(top['schema'])[:20]}; this program reads {SCHEMA}"
        )
    url = top.get("url", "")
    if not is_form(_BASE, url):
        raise DroidbpfError(f'{where}: url must be an http(s) URL that ends with "/"')
    if not isinstance(top.get("files"), list):
        raise DroidbpfError(f"{where}: files must be a list")
    files: dict[str, HubFile] = {}
    paths = set()
    for number, table in enumerate(top["files"], 1):
        file = _file(f"{where}: file {number}", table, url)
        if file.name in files or file.path in paths:
            raise DroidbpfError(f"{where}: file {number}: {file.name} is there twice")
        files[file.name] = file
        paths.add(file.path)
    return Lock(url, files)


def is_form(form: re.Pattern[str], value: object) -> bool:
    """Return whether a value is a text of this form and of bounded length and depth."""
    if not isinstance(value, str) or len(value) > _MOST_LETTERS or not form.fullmatch(value):
        return False
    parts = value.split("/") if "://" not in value else []
    return len(parts) <= _MOST_PARTS and all(len(part) <= 200 for part in parts)


def _file(where: str, table: Any, base: str) -> HubFile:
    """Check one entry; without a URL it gets that of its path below the base."""
    if not isinstance(table, dict):
        raise DroidbpfError(f"{where} is not an object")
    for key in (*_FORMS, *_SIZES):
        if key not in table and key not in _OPTIONAL:
            raise DroidbpfError(f"{where} has no {key}")
    for key, value in table.items():
        if form := _FORMS.get(key):
            if not is_form(form, value):
                raise DroidbpfError(f"{where}: {key} cannot be {_shown(value)}")
        elif key not in _SIZES:
            raise DroidbpfError(f"{where}: unknown key {_shown(key)}")
        elif type(value) is not int or not 0 < value <= LARGEST_FILE:
            raise DroidbpfError(f"{where}: {key} cannot be {_shown(value)}")
    file = HubFile(**table)
    return file._replace(url=base + file.path) if base and "url" not in table else file


def _shown(value: object) -> str:
    """Return a value of unknown length and content as a message shows it."""
    text = ascii(value)
    return text if len(text) < 80 else text[:77] + "..."


def render(lock: Lock) -> bytes:
    """Return a lock or an index as JSON: the same bytes for the same files."""
    files = []
    for file in sorted(lock.files.values(), key=lambda one: one.path):
        table = {key: value for key, value in file._asdict().items() if value or key == "url"}
        if file.url == (lock.url + file.path if lock.url else ""):
            del table["url"]
        files.append(table)
    top = {"schema": SCHEMA} | ({"url": lock.url} if lock.url else {}) | {"files": files}
    return (json.dumps(top, indent=1) + "\n").encode()


def write(path: Path, lock: Lock) -> None:
    """Write a lock or an index atomically: a reader sees the old one or the new one.

    Raises:
        DroidbpfError: the file cannot be written.
    """
    write_file(path, render(lock))


def make(url: str, files: Iterable[HubFile]) -> Lock:
    """Return a lock of files."""
    return Lock(url, {file.name: file for file in files})
