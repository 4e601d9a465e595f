"""A changed input rebuilds exactly what depends on it, and stops where the bytes are equal."""

from __future__ import annotations

import lzma
import os

import pytest
from checkout import ARCH, Result, Tree, assert_same
from toolbox import Toolbox

PROGRAM = ["apps/hello/hello"]
OBJECT = ["apps/hello/hello.o"]
BPF = ["apps/hello/hello.bpf.o"]
BPF_TMP = ["apps/hello/hello.tmp.bpf.o"]
SKELETON = ["apps/hello/hello.skel.h"]
USER_SIDE = sorted(PROGRAM + OBJECT)
ALL = sorted(PROGRAM + OBJECT + BPF + BPF_TMP + SKELETON)
PRECOMPILED = "vmlinux/own.pch"
HEADERS = "build/third_party/include"


def test_changed_c_source_rebuilds_its_object_and_the_program(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "int more;\n")
    assert tree.scons().made == USER_SIDE


def test_comment_at_the_end_of_a_c_source_rebuilds_its_object_only(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "/* the end */\n")
    assert tree.scons().made == OBJECT


def test_changed_bpf_source_rebuilds_all_of_its_app(tree: Tree) -> None:
    tree.append("apps/hello/hello.bpf.c", "int more;\n")
    assert tree.scons().made == ALL


def test_comment_at_the_end_of_a_bpf_source_stops_before_the_skeleton(tree: Tree) -> None:
    before = tree.products("x86_64-gnu/apps", f"{ARCH}-gnu/apps")
    tree.append("apps/hello/hello.bpf.c", "/* the end */\n")
    assert set(tree.scons().made) <= {*BPF_TMP, *BPF}
    after = tree.products("x86_64-gnu/apps", f"{ARCH}-gnu/apps")
    assert after[f"{ARCH}-gnu/{BPF[0]}"] == before[f"{ARCH}-gnu/{BPF[0]}"]


@pytest.mark.parametrize("header", ["hello.h", "inc/nested.h"])
def test_changed_header_shared_by_both_sides_rebuilds_both(tree: Tree, header: str) -> None:
    tree.edit(f"apps/hello/{header}", "#endif", "static int more __attribute__((used));\n#endif")
    assert tree.scons().made == ALL


def test_changed_header_of_one_side_rebuilds_what_includes_it(tree: Tree) -> None:
    tree.append("apps/many/many.h", "#define NEW 1\n")
    assert tree.scons().made == [
        "apps/many/many.o",
        "apps/many/many.tmp.bpf.o",
        "apps/many/other.o",
    ]


def test_second_edit_within_the_same_second_is_seen(tree: Tree) -> None:
    path = tree.source("hello/hello.c")
    path.write_text(path.read_text() + "int more1;\n")
    assert tree.scons().made == USER_SIDE
    stat = path.stat()
    path.write_text(path.read_text().replace("more1", "more2"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns // 10**9 * 10**9 + 999_999_999))
    assert tree.scons().made == USER_SIDE


def test_reverted_source_gives_the_first_bytes(tree: Tree) -> None:
    before = tree.products()
    tree.append("apps/hello/hello.bpf.c", "int more;\n")
    tree.scons()
    tree.edit("apps/hello/hello.bpf.c", "int more;\n", "")
    assert tree.scons().made == ALL
    assert_same(before, tree.products())


def test_touched_sources_rebuild_nothing(tree: Tree) -> None:
    for path in tree.source("").rglob("*.*"):
        path.touch()
    assert tree.scons().made == []


def test_new_source_is_compiled_and_a_removed_one_is_not_linked(tree: Tree) -> None:
    before = tree.products(f"{ARCH}-gnu/apps/hello/hello")
    tree.source("hello/more.c").write_text("int more(void);\nint more(void) { return 1; }\n")
    assert tree.scons().made == ["apps/hello/hello", "apps/hello/more.o"]
    tree.source("hello/more.c").unlink()
    assert tree.scons().made == PROGRAM
    after = tree.products(f"{ARCH}-gnu/apps/hello/hello")
    assert_same(before, after)


def test_changed_vmlinux_header_rebuilds_bpf_objects_that_include_it(
    tree: Tree, toolbox: Toolbox
) -> None:
    toolbox.wrap("bpftool", "bpftool", first='case "$*" in *"btf dump"*) echo "/* new */" ;; esac')
    made = tree.scons(env=toolbox.first).made
    assert {"apps/hello/hello.tmp.bpf.o", "apps/many/many.tmp.bpf.o", PRECOMPILED} <= set(made)
    assert not [name for name in made if name.endswith(".o") and not name.endswith(".bpf.o")]


def test_edited_vmlinux_header_is_made_again_and_rebuilds_nothing(tree: Tree) -> None:
    tree.append(f"build/vmlinux/{ARCH}/vmlinux.h", "/* the end */\n")
    assert tree.scons().made == [f"vmlinux/{ARCH}/vmlinux.h"]


def test_changed_btf_makes_vmlinux_h_again_and_bpf_objects_that_include_it(tree: Tree) -> None:
    packed = tree.path / f"vmlinux/{ARCH}.btf.xz"
    packed.write_bytes(lzma.compress(lzma.decompress(packed.read_bytes()), preset=0))
    assert tree.scons().made == [f"vmlinux/{ARCH}/vmlinux.h"]  # the same text: no object


def offer_changed(tree: Tree, header: str, guard: str) -> None:
    """Have libbpf's script change a header for others."""
    line = f'configured={{"src/{header}": {{"#ifndef {guard}": "#ifndef {guard} /* new */"}}}},'
    call = "nodes = env.PinnedLibrary("
    tree.edit("third_party/libbpf/SConscript", call, f"{call}\n    {line}")


def test_changed_bpf_header_of_libbpf_rebuilds_bpf_objects_that_include_it(tree: Tree) -> None:
    offer_changed(tree, "bpf_core_read.h", "__BPF_CORE_READ_H__")
    made = tree.scons().bpf_and_apps
    assert BPF_TMP[0] in made
    assert set(made) <= {*BPF_TMP, *BPF}


def test_changed_header_of_libbpf_rebuilds_user_space_that_includes_it(tree: Tree) -> None:
    offer_changed(tree, "libbpf.h", "__LIBBPF_LIBBPF_H")
    made = tree.scons().made
    assert [name for name in made if name.startswith("apps/")] == [
        "apps/hello/hello.o",
        "apps/many/many.o",
    ]


def test_removed_header_of_libbpf_comes_back_and_rebuilds_nothing(tree: Tree) -> None:
    before = tree.products()
    (tree.path / HEADERS / "bpf/libbpf.h").unlink()
    assert tree.scons().made == []
    assert_same(before, tree.products())


def test_new_header_that_hides_another_is_seen(tree: Tree) -> None:
    tree.source("hello/bpf").mkdir()
    tree.source("hello/bpf/libbpf.h").write_text("#include_next <bpf/libbpf.h>\nint hides;\n")
    assert tree.scons().made == USER_SIDE
    tree.source("hello/bpf/libbpf.h").unlink()
    assert tree.scons().made == USER_SIDE


def test_removed_product_comes_back_the_same(tree: Tree) -> None:
    before = tree.products()
    for name in [*ALL, "apps/hello/hello.debug"]:
        (tree.variant / name).unlink()
        assert tree.scons().made == [name.removesuffix(".debug")]
    assert_same(before, tree.products())


def test_mode_debug_rebuilds_the_apps_and_no_library(tree: Tree) -> None:
    assert tree.scons("mode=debug", "hello").made == USER_SIDE
    assert tree.scons("hello").made == USER_SIDE


def test_link_dynamic_links_again_and_compiles_nothing(tree: Tree) -> None:
    before = tree.products()
    assert tree.scons("link=dynamic", "hello").made == PROGRAM
    assert tree.scons("hello").made == PROGRAM
    assert_same(before, tree.products())


def test_two_targets_of_one_tree_do_not_disturb_each_other(tree: Tree) -> None:
    other = {"arm64": "x86_64", "x86_64": "arm64"}[tree.arch]
    before = tree.products()
    tree.scons("-n", f"ARCH={other}", "hello")
    assert_same(before, tree.products())
    tree.assert_up_to_date()


def test_another_clang_compiles_every_bpf_source_and_nothing_else(
    tree: Tree, toolbox: Toolbox
) -> None:
    toolbox.wrap("clang-39", "clang", version="clang version 39.0.0")
    bpf_objects = [
        "apps/hello/hello.tmp.bpf.o",
        "apps/many/many.tmp.bpf.o",
        "apps/many/second.tmp.bpf.o",
        PRECOMPILED,
    ]
    assert tree.scons(env=toolbox.first).made == bpf_objects
    tree.assert_up_to_date(env=toolbox.first)
    with (toolbox.folder / "clang-39").open("a") as file:
        file.write("# another\n")
    assert tree.scons(env=toolbox.first).made == bpf_objects


def test_another_bpftool_makes_all_that_it_makes_and_nothing_else(
    tree: Tree, toolbox: Toolbox
) -> None:
    toolbox.wrap("bpftool", "bpftool")
    made = [
        *BPF,
        *SKELETON,
        "apps/many/many.bpf.o",
        "apps/many/many.skel.h",
        "apps/many/second.bpf.o",
        "apps/many/second.skel.h",
        f"vmlinux/{ARCH}/vmlinux.h",
    ]
    assert tree.scons(env=toolbox.first).made == made
    with (toolbox.folder / "bpftool").open("a") as file:
        file.write("# another\n")
    assert tree.scons(env=toolbox.first).made == made


def test_another_compiler_compiles_all_that_it_makes_and_nothing_else(
    template: Tree, another_compiler: Tree, build_by_another_compiler: Result
) -> None:
    before, made = template.products(), build_by_another_compiler.made
    objects = {
        name.removeprefix(f"{ARCH}-gnu/")
        for name in before
        if name.startswith(f"{ARCH}-gnu/") and name.endswith(".o") and not _is_bpf(name)
    }
    assert {name for name in made if name.endswith(".o")} == objects
    assert not [name for name in made if _is_bpf(name) or name.endswith(".h")]
    assert_same(before, another_compiler.products())


def _is_bpf(name: str) -> bool:
    return "third_party" not in name and name.endswith(".bpf.o")


def test_script_of_an_app_may_generate_headers_from_data(tree: Tree) -> None:
    tree.source("hello/SConscript").write_text(
        'Import("env")\nenv.Generate("table.h", "table.py", {"first": "table.txt"})\n'
    )
    tree.source("hello/table.py").write_text(
        "import pathlib, sys\n"
        "label, _, source = sys.argv[2].partition('=')\n"
        "text = f'#define FROM_{label.upper()} {pathlib.Path(source).read_text()}'\n"
        "pathlib.Path(sys.argv[1]).write_text(text)\n"
    )
    tree.source("hello/table.txt").write_text("5\n")
    tree.append("apps/hello/hello.c", '#include "table.h"\nint from_table = FROM_FIRST;\n')
    assert tree.scons().made == sorted([*USER_SIDE, "apps/hello/table.h"])
    tree.source("hello/table.txt").write_text("6\n")
    assert tree.scons().made == sorted([*USER_SIDE, "apps/hello/table.h"])
    tree.append("apps/hello/table.py", "# the end\n")
    assert tree.scons().made == ["apps/hello/table.h"]


def test_script_of_an_app_may_ask_the_c_library_for_its_macros(tree: Tree) -> None:
    tree.source("hello/SConscript").write_text('Import("env")\nenv.Macros("errno.h")\n')
    target = f"build/{ARCH}-gnu/apps/hello/errno.h.macros"
    tree.scons(target)
    assert "#define ENOENT 2" in (tree.path / target).read_text().replace("\t", " ")
