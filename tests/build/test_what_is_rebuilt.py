"""A changed input rebuilds exactly what depends on it, and stops where the bytes are equal."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from checkout import ARCH, Tree, assert_same
from toolbox import Toolbox

from fetch import download, pins
from fetch.extract import extract
from fetch.settings import Settings

PROGRAM = ["apps/hello/hello"]
OBJECT = ["apps/hello/hello.o"]
BPF = ["apps/hello/hello.bpf.o"]
BPF_TMP = ["apps/hello/hello.tmp.bpf.o"]
SKELETON = ["apps/hello/hello.skel.h"]
USER_SIDE = sorted(PROGRAM + OBJECT)
ALL = sorted(PROGRAM + OBJECT + BPF + BPF_TMP + SKELETON)
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


def test_changed_vmlinux_header_rebuilds_bpf_objects_that_include_it(tree: Tree) -> None:
    tree.append(f"build/vmlinux/{ARCH}/vmlinux.h", "/* the end */\n")
    made = tree.scons().made
    assert {"apps/hello/hello.tmp.bpf.o", "apps/many/many.tmp.bpf.o"} <= set(made)
    assert set(made) <= {
        "apps/hello/hello.tmp.bpf.o",
        "apps/hello/hello.bpf.o",
        "apps/many/many.tmp.bpf.o",
        "apps/many/many.bpf.o",
    }


def test_changed_btf_makes_vmlinux_h_anew_and_bpf_objects_that_include_it(tree: Tree) -> None:
    packed = tree.path / f"vmlinux/{ARCH}.btf.xz"
    packed.write_bytes(lzma.compress(lzma.decompress(packed.read_bytes()), preset=0))
    assert tree.scons().made == [f"vmlinux/{ARCH}/vmlinux.h"]  # the same text: no object


def test_changed_bpf_header_of_libbpf_rebuilds_bpf_objects_that_include_it(tree: Tree) -> None:
    tree.append(f"{HEADERS}/bpf/bpf_core_read.h", "#define NEW 1\n")
    made = tree.scons().made
    assert BPF_TMP[0] in made
    assert set(made) <= {*BPF_TMP, *BPF}


def test_changed_header_of_libbpf_rebuilds_user_space_that_includes_it(tree: Tree) -> None:
    tree.append(f"{HEADERS}/bpf/libbpf.h", "#define NEW 1\n")
    assert tree.scons().made == ["apps/hello/hello.o", "apps/many/many.o"]


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


@pytest.mark.parametrize("name", ALL)
def test_removed_product_comes_back_the_same(tree: Tree, name: str) -> None:
    before = tree.products()
    (tree.variant / name).unlink()
    assert tree.scons().made == [name]
    assert_same(before, tree.products())


def test_removed_debug_file_comes_back_the_same(tree: Tree) -> None:
    before = tree.products()
    (tree.app("hello") / "hello.debug").unlink()
    assert tree.scons().made == PROGRAM
    assert_same(before, tree.products())


def test_removed_library_comes_back_from_its_objects(tree: Tree) -> None:
    before = tree.products()
    (tree.variant / "third_party/libz.a").unlink()
    assert tree.scons().made == ["third_party/libz.a"]
    assert_same(before, tree.products())


def test_truncated_library_is_not_trusted(tree: Tree) -> None:
    before = tree.products()
    os.truncate(tree.variant / "third_party/libz.a", 1000)
    tree.scons()
    assert_same(before, tree.products())


def test_removed_sources_of_libraries_are_not_missed(tree: Tree) -> None:
    for folder in (tree.build / "third_party").glob("*-*"):
        shutil.rmtree(folder)
    tree.assert_up_to_date()


def test_mode_debug_rebuilds_the_apps_and_no_library(tree: Tree) -> None:
    assert tree.scons("mode=debug", "hello").made == USER_SIDE
    assert tree.scons("hello").made == USER_SIDE


def test_link_dynamic_links_anew_and_compiles_nothing(tree: Tree) -> None:
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
    ]
    assert tree.scons(env=toolbox.first).made == bpf_objects
    tree.assert_up_to_date(env=toolbox.first)
    (toolbox.folder / "clang-39").touch()
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
    (toolbox.folder / "bpftool").touch()
    assert tree.scons(env=toolbox.first).made == made


def test_another_compiler_compiles_all_that_it_makes_and_nothing_else(
    tree: Tree, toolbox: Toolbox
) -> None:
    before = tree.products()
    triple = {"arm64": "aarch64", "x86_64": "x86_64"}[tree.arch]
    compiler = f"{triple}-linux-gnu-gcc"
    toolbox.wrap(compiler, compiler)
    made = tree.scons(env=toolbox.first).made
    objects = {
        name.removeprefix(f"{ARCH}-gnu/")
        for name in before
        if name.startswith(f"{ARCH}-gnu/") and name.endswith(".o") and not _is_bpf(name)
    }
    assert {name for name in made if name.endswith(".o")} == objects
    assert not [name for name in made if _is_bpf(name) or name.endswith(".h")]
    assert_same(before, tree.products())


def _is_bpf(name: str) -> bool:
    return "/apps/" in f"/{name}" and name.endswith(".bpf.o")


def test_new_url_of_a_pin_rebuilds_nothing(tree: Tree) -> None:
    tree.edit("third_party/sources.toml", "https://zlib.net/", "https://example.invalid/")
    assert tree.scons().made == []


def test_changed_pin_is_extracted_anew_and_equal_sources_are_not_compiled(tree: Tree) -> None:
    pins = (tree.path / "third_party/sources.toml").read_text()
    upstream = pins.split("[zlib]")[1].split('sha256 = "')[1][:64]
    tree.edit("third_party/sources.toml", upstream, "0" * 64)
    result = tree.scons("offline=1")
    assert "  FETCH    zlib 1.3.1" in result.out.splitlines()
    assert result.made == []


def test_changed_pin_that_no_place_satisfies_fails(tree: Tree) -> None:
    path = tree.path / "third_party/sources.toml"
    before = path.read_text()
    changed = before.split("[zlib]")[0] + "[zlib]" + _zero_hashes(before.split("[zlib]")[1])
    path.write_text(changed)
    result = tree.scons("offline=1", status=2)
    assert "\nerror: offline=1, and not in the cache:\n  zlib-1.3.1.tar.gz (" in f"\n{result.err}"
    path.write_text(before)
    assert tree.scons("offline=1").made == []


def _zero_hashes(text: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "0" * 64, text)


def test_changed_script_of_a_library_compiles_that_library(tree: Tree) -> None:
    tree.edit("third_party/zlib/SConscript", '"-w"', '"-w", "-DNEW"')
    made = tree.scons().made
    assert len([name for name in made if name.startswith("third_party/libz/")]) == 15
    assert not [name for name in made if name.startswith("third_party/lib") and name[15] != "z"]
    assert "third_party/libbpf.a" not in made


def test_comment_in_a_script_of_a_library_rebuilds_nothing(tree: Tree) -> None:
    tree.append("third_party/libbpf/SConscript", "# the end\n")
    assert tree.scons().made == []


def test_changed_config_header_of_a_library_compiles_that_library(tree: Tree) -> None:
    tree.append("third_party/libelf/config.h", "#define NEW 1\n")
    made = tree.scons().made
    assert len([name for name in made if name.startswith("third_party/libelf/")]) == 117
    assert not [name for name in made if name.startswith(("third_party/libz/", "apps/"))]


def test_pin_whose_headers_alone_differ_compiles_all_that_may_include_them(
    tree: Tree, tmp_path: Path
) -> None:
    pin = pins.load(tree.path / "third_party/sources.toml")["zlib"]
    source = download.obtain(pin, Settings.from_environment())
    extract(source, tmp_path / "zlib-1.3.1")
    header = tmp_path / "zlib-1.3.1/zutil.h"
    header.write_text(header.read_text() + "/* new */\n")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    with tarfile.open(mirror / pin.filename, "w:gz") as archive:
        archive.add(header.parent, "zlib-1.3.1")
    content = (mirror / pin.filename).read_bytes()
    tree.edit("third_party/sources.toml", pin.sha256, hashlib.sha256(content).hexdigest())
    tree.edit("third_party/sources.toml", f"size = {pin.size}", f"size = {len(content)}")
    alternative = pin.alternatives[0].sha256
    tree.edit("third_party/sources.toml", alternative, "0" * 64)
    result = tree.scons(f"mirror={mirror}", "offline=1", env={"DROIDBPF_CACHE": f"{tmp_path}/c"})
    objects = [name for name in result.made if name.endswith(".o")]
    assert len(objects) == 15 + 117 + 22  # of zlib, libelf and libbpf, whose objects may include it
    assert not result.bpf_and_apps


def test_edited_object_of_a_library_is_nobodys_business(tree: Tree) -> None:
    """What makes a library is known by its state file; its objects are not even looked at."""
    for path in (tree.variant / "third_party/libz").iterdir():
        path.unlink()
    tree.assert_up_to_date()


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
