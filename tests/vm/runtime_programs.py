"""Builds runtime_user.c with btfhub/runtime and BTFs of the test's choice; alters BTFs.

It does what the build does for an app, by hand: the tests also need what no build would make.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from guests import ASSETS, HERE, NOBTF_FILES, ROOT, build, need
from syscall_mon_guest import CLANG

from btfhub import embed, match
from btfhub.archive import unpack
from btfhub.btf import walk
from btfhub.minimize import relocate
from btfhub.names import parse_name

RUNTIME = ROOT / "btfhub/runtime"
LIBRARIES = [ROOT / "build/arm64-gnu/third_party" / f"lib{n}.a" for n in ("bpf", "elf", "z")]
HEADERS = ROOT / "build/third_party/include"
RELEASE = "5.10.223-android12-9-00001-g5eedb9f00001-ab1234567"
OWN = "5.10.223-android12-9-nobtf"
STRUCT = 4  # BTF_KIND_STRUCT
CFLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Workshop:
    """A folder with the compiled runtime."""

    folder: Path

    def minimized(self, btf: bytes) -> bytes:
        """Return a BTF minimized for the probe's relocations."""
        return relocate([self.folder / "probe.bpf"], btf, "full")[1]

    def program(self, name: str, entries: Sequence[embed.Entry] | None) -> Path:
        """Return runtime_user with these entries embedded; None: with nothing."""
        program = self.folder / name
        sources = [HERE / "runtime_user.c"]
        if entries is not None:
            sources.append(self.folder / f"{name}.c")
            sources[-1].write_text(embed.c_source(embed.pack(entries)))
        _gcc(
            [*sources, *self.folder.glob("*.o")], "-static", "-pthread", "-Wl,--wrap=syscall",
            *LIBRARIES, "-o", program,
        )  # fmt: skip
        return program


def workshop(folder: Path) -> Workshop:
    """Compile the runtime as the build does."""
    need("qemu-system-aarch64", "aarch64-linux-gnu-gcc", "bpftool", CLANG)
    build("syscall_mon")
    compiled, linked = folder / "probe.tmp.bpf", folder / "probe.bpf"
    clang = [CLANG, "-target", "bpf", "-mcpu=v2", "-g", "-O2", "-Wall", "-Wextra", "-Werror"]
    clang += [f"-I{HEADERS}", "-c", RUNTIME / "probe.bpf.c", "-o", compiled]
    subprocess.run(clang, check=True)
    subprocess.run(["bpftool", "gen", "object", linked, compiled], check=True)
    for source in RUNTIME.glob("*.c"):
        if not source.name.endswith(".bpf.c"):
            _gcc(["-c", source], "-o", folder / f"{source.stem}.o")
    return Workshop(folder)


def _gcc(inputs: Sequence[object], *rest: object) -> None:
    command = [
        "aarch64-linux-gnu-gcc",
        *CFLAGS,
        f"-I{RUNTIME}",
        "-isystem",
        HEADERS,
        *inputs,
        *rest,
    ]
    subprocess.run(list(map(str, command)), check=True)


def own_btf() -> bytes:
    """Return the full BTF of the kernel of the test assets."""
    return unpack(NOBTF_FILES / f"{OWN}-arm64.btf.tar.xz")[1]


def hub_btf(name: str) -> bytes:
    """Return a full BTF of the hub's android12-5.10."""
    archive = ASSETS / f"btfhub/common-android12-5.10/{name}-arm64.btf.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no {archive}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    return unpack(archive)[1]


def entry(name: str, btf: bytes, careful: bool = False) -> embed.Entry:
    """Return the bytes that the build embeds for a BTF of this name."""
    return embed.Entry(match.key(parse_name(name)), btf, careful)


def moved(btf: bytes, member: str, by_bytes: int) -> bytes:
    """Return a minimized BTF in which a member of task_struct has another offset."""
    at = _member(btf, member)
    (bits,) = struct.unpack_from("<I", btf, at + 8)
    return btf[: at + 8] + struct.pack("<I", bits + by_bytes * 8) + btf[at + 12 :]


def looping(btf: bytes) -> bytes:
    """Return a minimized BTF whose task_struct is its own, unnamed first member."""
    at = _member(btf, "static_prio")
    return btf[:at] + struct.pack("<II", 0, walk(btf).kinds().index(STRUCT)) + btf[at + 8 :]


def _member(btf: bytes, name: str) -> int:
    """Return the offset of the struct btf_member, whose own are name, type and offset in bits."""
    (size,) = struct.unpack_from("<I", btf, 12)
    text = btf.index(b"\0" + name.encode() + b"\0", 24 + size) + 1 - 24 - size
    found = [at for at in range(24, 16 + size, 4) if struct.unpack_from("<I", btf, at)[0] == text]
    assert len(found) == 1
    return found[0]
