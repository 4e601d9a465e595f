"""Hostile ELF files cost little and end in one clear error, wherever one is opened."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hubs
import pytest
from btf_mutations import build, info
from elf_files import ARM64, SYMTAB, Section, elf

from btfhub.btf import STRUCT

MEMORY = 256 << 20
CPU_S = 5
HUGE = (1 << 63) + 8


def extension(relocations: bytes, number: int) -> bytes:
    """Return a .BTF.ext with relocations of one section, whose name is the first string."""
    part = struct.pack("<III", 16, 1, number) + relocations
    empty = struct.pack("<I", 16)  # the size of a record
    extents = (0, 4, 4, 4, 8, len(part))
    return struct.pack("<HBBI6I", 0xEB9F, 1, 0, 32, *extents) + empty * 2 + part


def long_paths() -> bytes:
    """Return 150 kB of 9000 relocations, each of a path of 63 names of 4000 letters."""
    access = "0" + ":0" * 63
    strings = b"\0s\0" + b"m" * 4000 + b"\0" + access.encode() + b"\0"
    types = build((1, info(STRUCT, 1), 8, 3, 1, 0), strings)
    record = struct.pack("<IIII", 0, 1, strings.index(b"0"), 0)
    ext = extension(record * 9000, 9000)
    return elf(Section("s", bytes(8)), Section(".BTF", types), Section(".BTF.ext", ext))


HOSTILE: dict[str, tuple[Callable[[int], bytes], str]] = {
    "section headers beyond 2^63": (
        lambda machine: elf(Section("s"), machine=machine, shoff=HUGE),
        "it is a damaged ELF file",
    ),
    "section headers behind the end": (
        lambda machine: elf(Section("s"), machine=machine, shoff=1 << 40),
        "it is a damaged ELF file",
    ),
    "60,000 sections of the whole file": (
        lambda machine: elf(
            Section(".BTF", bytes(100_000), SYMTAB, at=0, size=4_000_000),
            machine=machine,
            repeat=60_000,
        ),
        "it is an ELF file of 60002 sections, more than 4096",
    ),
    "a section beyond 2^63": (
        lambda machine: elf(Section(".BTF", at=HUGE, size=100), machine=machine),
        "it is an ELF file that is cut off",
    ),
    "a section of 2^63 bytes": (
        lambda machine: elf(Section(".BTF", size=HUGE), machine=machine),
        f"its section .BTF cannot be read: {HUGE} bytes",
    ),
    "names of sections without an end": (
        lambda machine: elf(Section("s" * 5000), machine=machine),
        "a name is outside the strings",
    ),
}
OBJECTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "names of 2 GB in 150 kB": (long_paths, "its relocations have too many names"),
}


def run(*command: str) -> str:
    """Return what a command that fails prints, with little memory and time."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))

    done = subprocess.run(
        [sys.executable, "-m", "btfhub", *command],
        cwd=hubs.ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


@pytest.mark.parametrize("kind", [*HOSTILE, *OBJECTS])
def test_object_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "app.bpf.o"
    path.write_bytes(HOSTILE[kind][0](247) if kind in HOSTILE else OBJECTS[kind][0]())
    why = (HOSTILE | OBJECTS)[kind][1]
    error = run("lint", f"--object={path}", "none.btf")
    assert error.splitlines() == [f"error: app.bpf.o is not a sound BPF object: {why}"]


@pytest.mark.parametrize("command", ["encode", "check"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_vmlinux_is_refused(tmp_path: Path, kind: str, command: str) -> None:
    path = tmp_path / "vmlinux"
    path.write_bytes(HOSTILE[kind][0](ARM64))
    options = ["--name=a12-5.10-2022-05", f"--out={tmp_path}"] if command == "encode" else []
    assert run(command, str(path), *options).splitlines() == [f"error: {path}: {HOSTILE[kind][1]}"]
