"""A folder with the layout of an NDK and programs of one line, and what is said of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from small_programs import program

import toolchains
from base.errors import DroidbpfError
from toolchains.model import Request, Toolchain
from toolchains.ndk import PREBUILT
from toolchains.probe import Probes

INSTALL = 'install one: sdkmanager "ndk;27.2.12479018"'
NAME_ONE = f"{INSTALL}, name one: ndk=PATH, or take toolchain=gnu"
LEVELS = (21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35)  # of r27; there is no 25
CLANG = """case $1 in
--print-targets) echo "    bpf - BPF (host endian)" ;;
*) echo "Android (1, based on r522817c) clang version 18.0.3 (a URL)"; echo Target: x ;;
esac"""


def small_ndk(
    folder: Path,
    properties: str = "Pkg.Revision = 27.2.12479018",
    levels: tuple[int, ...] = LEVELS,
) -> Path:
    """Make a folder with the layout of an NDK."""
    (folder / PREBUILT / "bin").mkdir(parents=True)
    (folder / "source.properties").write_text(f"Pkg.Desc = Android NDK\n{properties}\n")
    for name in ("clang", "clang++"):
        program(folder / PREBUILT / "bin", name, CLANG)
    for name in ("llvm-ar", "llvm-strip", "llvm-objcopy", "llvm-readelf", "ld.lld"):
        program(folder / PREBUILT / "bin", name)
    for triple in ("aarch64-linux-android", "x86_64-linux-android"):
        libraries = folder / PREBUILT / "sysroot/usr/lib" / triple
        libraries.mkdir(parents=True)
        (libraries / "libc.a").write_text("!<arch>\n")
        for level in levels:
            (libraries / str(level)).mkdir()
    return folder


def find(path: object = "", api: str = "", arch: str = "arm64") -> Toolchain:
    """Find an NDK, its programs asked anew."""
    with tempfile.TemporaryDirectory() as folder:
        probes = Probes(Path(folder, "probes.json"), os.environ["PATH"])
        return toolchains.pick("ndk", arch, probes, Request(ndk=str(path), api=api))


def refusal(path: object = "", api: str = "") -> str:
    """Return the error that takes the place of a toolchain."""
    with pytest.raises(DroidbpfError) as caught:
        find(path, api)
    return str(caught.value)
