"""Static musl programs by the distribution's clang, their sysroot out of its packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Tree, assert_same, check_out, download_cache
from static_program import assert_no_path, assert_static
from toolbox import Toolbox

import toolchains
from fetch.errors import DroidbpfError
from toolchains.model import Request

BUILD = ("toolchain=musl", "hello")


@pytest.fixture(scope="module")
def sysroot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sysroot of the user's cache."""
    probes = toolchains.Probes(tmp_path_factory.mktemp("probes") / "x.json", os.environ["PATH"])
    try:
        found = toolchains.pick("musl", "arm64", probes, Request())
    except DroidbpfError as error:
        pytest.skip(error.message)
    if found.name != "musl":
        pytest.skip("no clang, or no linker for arm64, is on this machine")
    return Path(found.cc[-1].removeprefix("--sysroot="))


@pytest.fixture(scope="module")
def built(sysroot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = check_out(tmp_path_factory.mktemp("musl") / "tree")
    tree.scons(*BUILD)
    yield tree
    shutil.rmtree(tree.path)


def program(tree: Tree) -> Path:
    return tree.build / "arm64-musl/apps/hello/hello"


def test_program_is_static_and_loads_where_pages_are_of_16_kb(built: Tree, sysroot: Path) -> None:
    assert_static(program(built))
    assert_no_path(program(built), str(built.path), str(sysroot), str(download_cache()))
    built.assert_up_to_date(*BUILD)


def test_another_folder_and_cache_give_the_same_bytes(
    built: Tree, sysroot: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "elsewhere"
    shutil.copytree(sysroot.parent, cache / "musl", symlinks=True)
    other = check_out(tmp_path / "a longer name" / "tree")
    other.scons(*BUILD, f"mirror={download_cache()}", env={"DROIDBPF_CACHE": str(cache)})
    assert_same(built.products("arm64-musl/"), other.products("arm64-musl/"))


def test_sysroot_that_is_in_no_cache_is_not_fetched_offline(built: Tree, tmp_path: Path) -> None:
    env = {"DROIDBPF_CACHE": str(tmp_path / "empty")}
    for targets in (("offline=1", "hello"), ("doctor",)):
        done = built.scons("toolchain=musl", *targets, env=env, status=2)
        assert "the cache has no sysroot of musl for arm64\n" in done.err + done.out
    assert not (tmp_path / "empty/musl").exists()


def test_auto_is_musl_where_there_is_clang_and_no_gcc(
    built: Tree, sysroot: Path, toolbox: Toolbox
) -> None:
    toolbox.link("clang", "bpftool", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-ar")
    done = built.scons("doctor", env=toolbox.only, status=2)  # there is no QEMU in that PATH
    assert done.out.startswith("ok    target compiler: musl for arm64, ")


def test_dynamic_link_is_refused(built: Tree) -> None:
    assert built.scons(*BUILD, "link=dynamic", status=2).err == (
        "error: toolchain=musl has no dynamic libc to link with\n"
        "hint: link=static, or a toolchain whose libc phones have: ndk\n"
    )


def test_cpp_is_refused_with_a_toolchain_that_has_it(built: Tree) -> None:
    built.source("hello/more.cpp").write_text("int more;\n")
    try:
        assert built.scons(*BUILD, status=2).err == (
            "error: apps/hello/more.cpp is C++: toolchain=musl has no library for it\n"
            "hint: take toolchain=zig, which has one, or gnu\n"
        )
    finally:
        built.source("hello/more.cpp").unlink()
