"""Small hubs for tests: sound BTFs of one type each, packed as a hub packs them."""

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from btfhub import archive
from btfhub.lock import HubFile, Lock, load, make

ROOT = Path(__file__).parents[3]
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
SHIPPED = ROOT / "btfhub" / "btfhub.lock"
A12 = "common-android12-5.10/a12-5.10-{}-arm64.btf.tar.xz"
MAY, JUNE = A12.format("2022-05"), A12.format("2022-06")
A13 = "common-android13-5.10/a13-5.10-2022-05-arm64.btf.tar.xz"
ROCK = "rock5b/rock5b-5.10-f9d1b1529-arm64.btf.tar.xz"
PATHS = (MAY, JUNE, A13, ROCK)
UBUNTU = "ubuntu/20.04/arm64/5.4.0-42-generic.btf.tar.xz"
UPSTREAM = "http://upstream.invalid/"


def btf(word: str) -> bytes:
    """Give a BTF that defines one integer type."""
    strings = b"\0" + word.encode() + b"\0"
    types = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32)
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    return header + types + strings


def packed(path: str) -> bytes:
    """Give the archive that a small hub has at a path."""
    name = path.rpartition("/")[2].removesuffix(".tar.xz")
    return archive.pack(name, btf(path.replace("/", "_")))


def fill(folder: Path, paths: Sequence[str] = PATHS) -> Path:
    """Make a folder a small hub."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(packed(path))
    return folder


def entry(path: str, url: str = UPSTREAM) -> HubFile:
    """Give what a lock says of a file of a small hub."""
    data, inner = packed(path), btf(path.replace("/", "_"))
    name = path.rpartition("/")[2].removesuffix(".btf.tar.xz").removesuffix("-arm64")
    folder = path.partition("/")[0].removeprefix("common-")
    return HubFile(
        name,
        path,
        len(data),
        hashlib.sha256(data).hexdigest(),
        len(inner),
        hashlib.sha256(inner).hexdigest(),
        folder,
        name[-7:] if name[-7:-5] == "20" else "",
        url and url + path,
    )


def locked(paths: Sequence[str] = PATHS, url: str = UPSTREAM) -> Lock:
    """Give the lock of a small hub."""
    return make(url, [entry(path, url) for path in paths])


def real(name: str) -> tuple[Path, HubFile]:
    """Give a real file of the hub, and what the lock says of it."""
    file = load(SHIPPED).files[name]
    path = ASSETS / "btfhub" / file.path
    if not path.is_file():
        pytest.skip(f"no {path}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    return path, file
