"""The benchmark against make: the same tools for both, and no figure where one did not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import peers
from fetch.errors import DroidbpfError

COMPILED = "build/arm64-gnu/apps/opensnoop/opensnoop"
COMMANDS = [
    ["/bin/other-gcc", "-o", "build/arm64-gnu/third_party/zlib.o.tmp", "-c", "zlib.c"],
    ["/opt/clang-19", "-target", "bpf", "-o", f"{COMPILED}.tmp.bpf.o.tmp"],
    ["/opt/bpftool", "gen", "object", f"{COMPILED}.bpf.o.tmp"],
    ["/opt/bpftool", "gen", "skeleton", f"{COMPILED}.bpf.o"],
    ["/opt/gcc", "-o", f"{COMPILED}.o.tmp", "-c", "opensnoop.c"],
]


def test_make_gets_the_tools_and_libraries_of_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("make", "llvm-strip-19"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    command = peers.make_command(peers.tools(COMMANDS), Path("/tree"), 3, ["one", "two"])
    assert command == [
        f"{tmp_path}/make",
        "-j3",
        "ARCH=arm64",
        "APPS=one two",
        "CC=/opt/gcc",
        "CLANG=/opt/clang-19",
        f"LLVM_STRIP={tmp_path}/llvm-strip-19",
        "BPFTOOL=/opt/bpftool",
        "LIBBPF_OBJ=/tree/build/arm64-gnu/third_party/libbpf.a",
        "INCLUDES=-I.output -I/tree/build/third_party/include",
        "EXTRA_LDFLAGS=-static -L/tree/build/arm64-gnu/third_party",
        "USE_BLAZESYM=0",
    ]


def test_missing_make_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DroidbpfError) as raised:
        peers.main([])
    assert str(raised.value) == "error: no make here\nhint: install it: apt-get install make"


def test_figures_are_given_only_where_both_made_all(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    with pytest.raises(DroidbpfError, match=r"lacks two: not the same work was done"):
        peers.need_programs(tmp_path, ["one", "two"])
