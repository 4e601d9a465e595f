"""Static musl programs by the distribution's clang, their sysroot out of its packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkout import Tree, assert_same, check_out, download_cache
from static_program import assert_no_path, assert_static
from toolbox import Toolbox

BUILD = ("toolchain=musl", "hello")


def program(tree: Tree) -> Path:
    return tree.build / "arm64-musl/apps/hello/hello"


def test_program_is_static_and_loads_where_pages_are_of_16_kb(
    musl_tree: Tree, sysroot: Path
) -> None:
    assert_static(program(musl_tree))
    assert_no_path(program(musl_tree), str(musl_tree.path), str(sysroot), str(download_cache()))
    musl_tree.assert_up_to_date(*BUILD)


def test_another_folder_and_cache_give_the_same_bytes(
    musl_tree: Tree, sysroot: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "$else where"
    shutil.copytree(sysroot.parent, cache / "musl", symlinks=True)
    other = check_out(tmp_path / "a longer name" / "tree")
    other.scons(*BUILD, f"mirror={download_cache()}", env={"DROIDBPF_CACHE": str(cache)})
    parts = [f"arm64-musl/{name}" for name in ("apps/hello/", "btfhub/", "compat/", "third_party/")]
    assert_same(musl_tree.products(*parts), other.products(*parts))


def test_sysroot_of_another_cache_makes_nothing_anew(
    musl_tree: Tree, sysroot: Path, tmp_path: Path
) -> None:
    shutil.copytree(sysroot.parent, tmp_path / "cache/musl", symlinks=True)
    musl_tree.assert_up_to_date(*BUILD, env={"DROIDBPF_CACHE": str(tmp_path / "cache")})


@pytest.mark.parametrize("source", ["hello.c", "hello.bpf.c"])
def test_changed_header_of_the_sysroot_is_unpacked_again_before_it_is_used(
    musl_tree: Tree, sysroot: Path, tmp_path: Path, source: str
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(sysroot.parent, cache / "musl", symlinks=True)
    for name in ("apt", "sha256", "verified"):  # the packages themselves
        (cache / name).symlink_to(download_cache() / name)
    folder = cache / "musl" / sysroot.name
    header = folder / "include/stdio.h"
    whole = header.read_bytes()
    header.write_text("#error changed\n")
    tree = musl_tree.copy(tmp_path / "tree")
    tree.env = {"DROIDBPF_CACHE": str(cache)}
    tree.assert_up_to_date(*BUILD)  # what was made was made with what there was
    tree.append(f"apps/hello/{source}", "int more;\n")
    done = tree.scons(*BUILD)
    assert done.err == f"warning: {folder} has changed: it is unpacked again\n"
    assert "arm64-musl/apps/hello/hello" in done.made
    assert header.read_bytes() == whole


def test_sysroot_that_is_in_no_cache_is_not_fetched_offline(
    musl_tree: Tree, tmp_path: Path
) -> None:
    env = {"DROIDBPF_CACHE": str(tmp_path / "empty")}
    for targets in (("offline=1", "hello"), ("doctor",)):
        done = musl_tree.scons("toolchain=musl", *targets, env=env, status=2)
        assert "the cache has no sysroot of musl for arm64\n" in done.err + done.out
    assert not (tmp_path / "empty/musl").exists()


def test_auto_is_musl_where_there_is_clang_and_no_gcc(
    musl_tree: Tree, sysroot: Path, toolbox: Toolbox
) -> None:
    toolbox.link("clang", "bpftool", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-ar")
    done = musl_tree.scons("doctor", env=toolbox.only, status=2)  # there is no QEMU in that PATH
    assert done.out.startswith("ok    target compiler: musl for arm64, ")


def test_dynamic_link_is_refused(musl_tree: Tree) -> None:
    assert musl_tree.scons(*BUILD, "link=dynamic", status=2).err == (
        "error: toolchain=musl has no dynamic libc to link with\n"
        "hint: link=static, or a toolchain whose libc phones have: ndk\n"
    )


@pytest.mark.parametrize("folder", ["apps/hello", "apps/_common", "flat"])
def test_cpp_is_refused_with_a_toolchain_that_has_it(
    musl_tree: Tree, tmp_path: Path, folder: str
) -> None:
    tree = musl_tree.copy(tmp_path / "tree")
    shutil.copytree(tree.source("hello"), tree.path / "flat")
    (tree.path / folder).mkdir(exist_ok=True)
    (tree.path / folder / "more.cpp").write_text("int more;\n")
    options = ("apps_dir=flat",) if folder == "flat" else ()
    assert tree.scons(*BUILD, *options, status=2).err == (
        f"error: {folder}/more.cpp is C++: toolchain=musl has no library for it\n"
        "hint: take toolchain=zig, which has one, or gnu\n"
    )
