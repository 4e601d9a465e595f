"""Small hubs for tests: BTFs of the smallest kernels, packed as a hub packs them."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from btf_mutations import build, info

from btfhub import archive
from btfhub.btf import INT, STRUCT, TYPEDEF
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
REGISTERS = ("regs", "sp", "pc", "pstate", "syscallno")
UPSTREAM = "http://upstream.invalid/"


def btf(word: str) -> bytes:
    """Return a sound BTF with what every arm64 kernel has, and a type of this name."""
    names = ["int", "long", "task_struct", "list_head", "pt_regs", *REGISTERS, word]
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)

    def name(text: str) -> int:
        return strings.index(b"\0" + text.encode() + b"\0") + 1

    words = [name("int"), info(INT), 4, 32, name("long"), info(INT), 8, 64]
    for struct in ("task_struct", "list_head"):
        words += [name(struct), info(STRUCT), 0]
    words += [name("pt_regs"), info(STRUCT, len(REGISTERS)), 8 * len(REGISTERS)]
    for place, register in enumerate(REGISTERS):
        words += [name(register), 2, 64 * place]
    return build([*words, name(word), info(TYPEDEF), 1], strings)


def packed(path: str) -> bytes:
    """Return the archive that a small hub has at a path."""
    name = path.rpartition("/")[2].removesuffix(".tar.xz")
    return archive.pack(name, btf(path.replace("/", "_")))


def fill(folder: Path, paths: Sequence[str] = PATHS) -> Path:
    """Make a folder a small hub."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(packed(path))
    return folder


def entry(path: str, url: str = UPSTREAM) -> HubFile:
    """Return what a lock says of a file of a small hub."""
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
    """Return the lock of a small hub."""
    return make(url, [entry(path, url) for path in paths])


def real(name: str) -> tuple[Path, HubFile]:
    """Return a real file of the hub, and what the lock says of it."""
    file = load(SHIPPED).files[name]
    path = ASSETS / "btfhub" / file.path
    if not path.is_file():
        pytest.skip(f"no {path}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    return path, file
