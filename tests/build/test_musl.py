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


def test_program_is_static_and_loads_where_pages_are_of_16_kb(musl_tree: Tree) -> None:
    assert_static(program(musl_tree))
    assert_no_path(program(musl_tree), str(musl_tree.path), str(download_cache()))
    musl_tree.assert_up_to_date(*BUILD)


def test_another_folder_and_cache_give_the_same_bytes(musl_tree: Tree, tmp_path: Path) -> None:
    other = check_out(tmp_path / "a longer name" / "tree")
    env = {"DROIDBPF_CACHE": str(tmp_path / "$else where")}
    names = ("apps/hello/hello.o", "btfhub/libdroidbpf.a", "third_party/libz.a")
    targets = [f"build/arm64-musl/{name}" for name in names]
    other.scons("toolchain=musl", f"mirror={download_cache()}", *targets, env=env)
    made = other.products("arm64-musl/")
    assert made.keys() >= {f"arm64-musl/{name}" for name in names}
    whole = musl_tree.products("arm64-musl/")
    assert_same({name: whole[name] for name in made}, made)


def test_sysroot_that_was_removed_comes_back_and_nothing_else_is_built(
    musl_tree: Tree, tmp_path: Path
) -> None:
    tree = musl_tree.copy(tmp_path / "tree")
    before = tree.products()
    shutil.rmtree(tree.build / "musl")
    done = tree.scons(*BUILD)
    assert done.commands == []
    assert "  SYSROOT  build/musl/arm64/ready\n" in done.out
    assert_same(before, tree.products())


def test_sysroot_is_not_downloaded_offline(musl_tree: Tree, tmp_path: Path) -> None:
    tree = musl_tree.copy(tmp_path / "tree")
    shutil.rmtree(tree.build / "musl")
    env = {"DROIDBPF_CACHE": str(tmp_path / "empty")}
    said = tree.scons(*BUILD, "offline=1", env=env, status=2).err
    for package in ("musl-dev", "linux-libc-dev", "libgcc-12-dev"):
        assert f"\n  {package}_" in said
    assert not [*(tree.build / "musl").rglob("*.h")]


def test_auto_is_musl_where_there_is_clang_and_no_gcc(musl_tree: Tree, toolbox: Toolbox) -> None:
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
