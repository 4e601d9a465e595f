"""Where a toolchain's compiler finds the headers that BPF programs include, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_programs import program

from toolchains.headers import Headers, find
from toolchains.model import SetUp, Toolchain
from toolchains.probe import Probes, identity

SAID = """\
Using built-in specs.
#include "..." search starts here:
#include <...> search starts here:
 {0}/gcc/12/include
 {0}/gcc/12/../../target/include
End of search list.
# 0 "/dev/null"
"""


@pytest.fixture
def toolchain(bin_: Path) -> Toolchain:
    """A toolchain whose compiler says SAID, of folders that are there."""
    root = bin_.parent
    for folder in ("gcc/12/include", "target/include/linux"):
        (root / folder).mkdir(parents=True)
    for header in ("linux/version.h", "features.h"):
        (root / "target/include" / header).touch()
    asked = '[ "$*" = "-m64 -xc -E -v /dev/null" ] || exit 1'
    cc = program(bin_, "gcc", f"{asked}\ncat >&2 <<END\n{SAID.format(root)}END")
    none: tuple[str, ...] = ()
    return Toolchain("gnu", "arm64", "triple", "1", (str(cc), "-m64"), none, none, none, "it")


def test_folders_are_those_that_the_compiler_searches(
    toolchain: Toolchain, tmp_path: Path, bin_: Path
) -> None:
    root = bin_.parent
    assert find(toolchain, Probes(tmp_path / "store", "")) == Headers(
        (f"{root}/gcc/12/include", f"{root}/target/include"),
        " ".join(identity(f"{root}/target/include/{h}") for h in ("linux/version.h", "features.h")),
    )


def test_a_compiler_that_does_not_tell_leaves_clang_its_own(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    silent = replace(toolchain, cc=(toolchain.cc[0], "-m32"))
    assert find(silent, Probes(tmp_path / "store", "")) == Headers((), "")


def test_those_of_a_sysroot_are_known_by_its_pins(toolchain: Toolchain, tmp_path: Path) -> None:
    set_up = SetUp("build/musl/arm64/ready", "the pins", "SYSROOT")
    own = replace(toolchain, include="build/musl/arm64/include", set_up=set_up)
    found = find(own, Probes(tmp_path / "store", ""))
    assert found == Headers(("build/musl/arm64/include",), "the pins")


def test_a_compiler_of_bpf_objects_that_names_them_is_left_alone(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    zig = replace(toolchain, bpf_clang=("zig", "clang", "-nostdlibinc", "-idirafter", "lib"))
    assert find(zig, Probes(tmp_path / "store", "")) == Headers((), "")
