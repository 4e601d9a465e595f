"""BPF objects and kernels' BTFs made from a few lines of C, for the tests of CO-RE relocations."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parents[3]
HUB = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared") / "btfhub"

PRELUDE = """
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
#define INFO(field, kind) __builtin_preserve_field_info(field, kind)
#define TYPE(type, kind) __builtin_preserve_type_info(*(type *)0, kind)
#define VALUE(type, value, kind) __builtin_preserve_enum_value(*(type *)value, kind)
volatile long out;
"""


def compiled(folder: Path, name: str, code: str) -> Path:
    """Return a BPF object, NAME.bpf.o."""
    for tool in ("clang-19", "bpftool"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on this machine")
    path = folder / f"{name}.bpf.o"
    command = ["clang-19", "--target=bpf", "-mcpu=v2", "-g", "-O2", "-x", "c", "-c", "-", "-o"]
    subprocess.run([*command, path], input=(PRELUDE + code).encode(), check=True)
    return path


def kernel(folder: Path, name: str, code: str) -> Path:
    """Return the raw BTF of a kernel that has the types of the variables in the code."""
    path = folder / f"{name}.btf"
    with compiled(folder, f"kernel-{name}", code).open("rb") as file:
        path.write_bytes(ELFFile(file).get_section_by_name(".BTF").data())
    return path
