"""Where a toolchain's compiler finds the headers that BPF programs include, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_programs import program

from toolchains.headers import find
from toolchains.model import Headers
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
def cc(bin_: Path) -> str:
    """A compiler that reports SAID, of folders that are there."""
    root = bin_.parent
    for folder in ("gcc/12/include", "target/include/linux"):
        (root / folder).mkdir(parents=True)
    for header in ("linux/version.h", "features.h"):
        (root / "target/include" / header).touch()
    asked = '[ "$*" = "-m64 -xc -E -v /dev/null" ] || exit 1'
    return str(program(bin_, "gcc", f"{asked}\ncat >&2 <<END\n{SAID.format(root)}END"))


def test_folders_are_those_that_the_compiler_searches(cc: str, tmp_path: Path, bin_: Path) -> None:
    root = bin_.parent
    assert find((cc, "-m64"), Probes(tmp_path / "store", "")) == Headers(
        (f"{root}/gcc/12/include", f"{root}/target/include"),
        " ".join(identity(f"{root}/target/include/{h}") for h in ("linux/version.h", "features.h")),
    )


def test_a_compiler_that_does_not_report_leaves_clang_its_own(cc: str, tmp_path: Path) -> None:
    assert find((cc, "-m32"), Probes(tmp_path / "store", "")) == Headers()
