"""A tool that is missing, too old or failing ends in one message that names what to install."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

import flat
import pytest
from checkout import ARCH, TRIPLE, Result, Tree, download_cache
from toolbox import Toolbox, in_place_of

PACKAGES = {
    "arm64": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "x86_64": "gcc libc6-dev",
}[ARCH]
CLANG_HINT = "hint: install it: apt-get install clang-19 (or any clang from 11 on)\n"
NO_ROOT = "; or, with nothing but Python: ./dev --no-root scons …"
BPFTOOL_HINT = (
    "hint: install it: apt-get install bpftool (Ubuntu: linux-tools-generic); "
    "or a compiler that builds it: apt-get install gcc libc6-dev, or use ./dev --no-root\n"
)


@pytest.mark.parametrize("program", ["gcc", "ar", "objcopy"])
def test_missing_program_of_the_toolchain_is_reported(
    tree: Tree, toolbox: Toolbox, program: str
) -> None:
    names = [f"{TRIPLE}-{name}" for name in ("gcc", "ar", "strip", "objcopy")]
    toolbox.link(*(name for name in names if name != f"{TRIPLE}-{program}"))
    result = tree.scons(env=toolbox.only, status=2)
    assert result.err == (
        f"error: the gnu toolchain for {ARCH} lacks {TRIPLE}-{program}\n"
        f"hint: install it: apt-get install {PACKAGES}{NO_ROOT if program == 'gcc' else ''}\n"
    )
    tree.assert_up_to_date()


def test_missing_static_libc_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    toolbox.wrap(
        f"{TRIPLE}-gcc", f"{TRIPLE}-gcc", first='case "$*" in *libc.a) echo libc.a; exit ;; esac'
    )
    result = tree.scons(env=toolbox.first, status=2)
    assert result.err == (
        f"error: the gnu toolchain for {ARCH} lacks a static libc (libc.a)\n"
        f"hint: install it: apt-get install {PACKAGES}\n"
    )


def _toolchain(toolbox: Toolbox) -> Toolbox:
    return toolbox.link(*(f"{TRIPLE}-{name}" for name in ("gcc", "ar", "strip", "objcopy")))


def test_missing_cxx_for_what_all_apps_share_is_each_ones_reason(
    tree: Tree, tmp_path: Path
) -> None:
    folder = flat.write(tmp_path / "flat", "one", "two")
    (folder / "more.cpp").touch()
    cxx = f"{TRIPLE}-g++"
    hidden = in_place_of(cxx, os.devnull) if shutil.which(cxx) else []
    reported = f"{folder}/more.cpp needs a C++ compiler, {cxx}"
    hint = f"hint: install it: apt-get install g++-{TRIPLE}\n"
    result = tree.scons(f"apps_dir={folder}", status=2, prefix=hidden)
    assert result.err == f"error: {reported}\n{hint}"
    result = tree.scons(f"apps_dir={folder}", "-k", status=2, prefix=hidden)
    reported = (
        f"{tree.variant.relative_to(tree.path)}/apps/_common/libcommon.a was not built: {reported}"
    )
    assert result.err.endswith(f"\nnot built: one: {reported}\nnot built: two: {reported}\n")


def test_missing_clang_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    result = tree.scons(env=_toolchain(toolbox).only, status=2)
    assert result.err == f"error: no clang was found to compile BPF objects\n{CLANG_HINT}"
    tree.assert_up_to_date()


def test_clang_that_is_too_old_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    path = _toolchain(toolbox).script("clang", "echo Debian clang version 10.0.1-8")
    result = tree.scons(env=toolbox.only, status=2)
    assert result.err == (
        f"error: {path} is clang 10.0.1, too old for CO-RE BPF objects\n{CLANG_HINT}"
    )


def test_clang_without_the_bpf_target_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    path = _toolchain(toolbox).script(
        "clang",
        "[ $1 = --print-targets ] && echo '  x86 - 32-bit X86' || echo clang version 18.1.8",
    )
    result = tree.scons(env=toolbox.only, status=2)
    assert result.err == f"error: {path} is a clang without the BPF target\n{CLANG_HINT}"


@pytest.fixture
def no_compiler_of_this_machine(toolbox: Toolbox) -> Toolbox:
    """A folder of the tools of a build for arm64: none of them builds a bpftool."""
    if importlib.util.find_spec("ziglang"):
        pytest.skip("the ziglang package is installed, which builds bpftool")
    return _toolchain(toolbox).link("clang")


def test_missing_bpftool_that_cannot_be_built_is_reported(
    tree: Tree, no_compiler_of_this_machine: Toolbox
) -> None:
    hidden = in_place_of("bpftool", os.devnull)
    result = tree.scons(status=2, env=no_compiler_of_this_machine.only, prefix=hidden)
    assert result.err == f"error: no bpftool was found to make skeletons\n{BPFTOOL_HINT}"
    tree.assert_up_to_date()


def test_bpftool_that_is_too_old_and_cannot_be_built_is_reported(
    tree: Tree, no_compiler_of_this_machine: Toolbox, tmp_path: Path
) -> None:
    old = Toolbox(tmp_path / "old").script("bpftool", "echo bpftool v5.10.46")
    hidden = in_place_of("bpftool", old)
    result = tree.scons(status=2, env=no_compiler_of_this_machine.only, prefix=hidden)
    assert re.fullmatch(
        r"error: /\S+/bpftool is bpftool 5.10.46, too old; 7.0 or newer is needed\n"
        + re.escape(BPFTOOL_HINT),
        result.err,
    )


def test_bpftool_from_source_without_a_compiler_for_it_is_reported(
    tree: Tree, no_compiler_of_this_machine: Toolbox
) -> None:
    result = tree.scons("bpftool=source", status=2, env=no_compiler_of_this_machine.only)
    assert result.err == (
        "error: bpftool cannot be built from source: this machine has no compiler for itself\n"
        "hint: install it: apt-get install gcc libc6-dev, or use ./dev --no-root\n"
    )


def test_toolchain_that_does_not_run_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    path = toolbox.script(f"{TRIPLE}-gcc", "exit 1")
    path.chmod(0o755)
    result = tree.scons(env=toolbox.first, status=2)
    assert result.err.startswith("error: ")
    assert "hint: " in result.err


@pytest.mark.parametrize(
    ("message", "damaged"),
    [
        ("ld.lld: error: $ZIG_GLOBAL_CACHE_DIR/zig/o/1/libc.a: unknown file type", True),
        ("error: musl crt1.o failed\n    note: failed to check cache: invalid manifest", True),
        ("error: unknown type name 'x'", False),
    ],
)
def test_failure_in_zigs_cache_names_the_command_that_removes_it(
    tree: Tree, toolbox: Toolbox, message: str, damaged: bool
) -> None:
    if importlib.util.find_spec("ziglang"):
        pytest.skip("the ziglang package goes before PATH")
    (toolbox.folder / "lib/libc/musl").mkdir(parents=True)
    toolbox.script("zig", f'[ "$1" = version ] && exec echo 0.14.1\necho "{message}" >&2; exit 1')
    err = tree.scons("toolchain=zig", "-j1", "hello", env=toolbox.first, status=2).err
    hint = f"hint: if zig's cache is damaged, remove it: rm -r {download_cache()}/zig\n"
    assert err.endswith(hint) is damaged
    assert err.count("hint: if ") == damaged


def test_program_that_vanishes_while_building_is_reported(tree: Tree, toolbox: Toolbox) -> None:
    bpftool = toolbox.wrap("bpftool", "bpftool", first=f'rm -f "{toolbox.folder}/bpftool"')
    toolbox.script(
        "bpftool",
        bpftool.read_text()
        .replace("#!/bin/sh\n", "")
        .replace("rm -f", '[ "$1" = version ] || rm -f'),
    )
    result = tree.scons("-j1", "hello", env=toolbox.first, status=2)
    assert f"{toolbox.folder}/bpftool: No such file or directory\n" in result.err
    assert os.access(tree.build, os.W_OK)
    shutil.rmtree(toolbox.folder)


def test_tools_may_be_in_a_folder_with_a_blank_and_a_dollar(
    tree: Tree, tmp_path: Path, build_by_another_compiler: Result
) -> None:
    toolbox = Toolbox(tmp_path / "of $mine, too")
    for name in ("clang", "bpftool"):
        toolbox.wrap(name, name)
    both = [*tree.scons("hello", env=toolbox.first).commands, *build_by_another_compiler.commands]
    own = {Path(command[0]).name for command in both if "of $mine, too/" in command[0]}
    assert {"bpftool", f"{TRIPLE}-gcc", f"{TRIPLE}-objcopy"} <= own
