"""Other people's folders of apps are built as they are: NAME.bpf.c beside NAME.c."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import flat
import pytest
from checkout import Tree, assert_same
from elftools.elf.elffile import ELFFile
from toolbox import Toolbox

LIBRARY = ["apps/_common/libcommon.a", "apps/_common/shared.o"]


def products(name: str) -> list[str]:
    """Name what is made for an app, sorted."""
    suffixes = ("", ".bpf.o", ".o", ".skel.h", ".tmp.bpf.o")
    return sorted(f"apps/{name}/{name}{suffix}" for suffix in suffixes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flat.write(tmp_path / "examples" / "c", "one", "two")


def test_each_pair_of_sources_is_an_app_and_the_rest_a_library(tree: Tree, folder: Path) -> None:
    assert tree.scons(f"apps_dir={folder}", "list").out == "one\ntwo\n"
    made = tree.scons(f"apps_dir={folder}").made
    assert made == sorted([*LIBRARY, *products("one"), *products("two")])
    header = (tree.app("one") / "one.skel.h").read_text()
    assert "struct one_bpf {" in header, "not as bpftool names it by itself"


def test_functions_of_a_program_can_be_found_by_name(tree: Tree, folder: Path) -> None:
    """As a program of others' finds its own, for uprobes; upstream's Makefiles do not strip."""
    tree.scons(f"apps_dir={folder}", "app=one")
    with (tree.app("one") / "one").open("rb") as file:
        elf = ELFFile(file)
        (shared,) = elf.get_section_by_name(".symtab").get_symbol_by_name("shared")
        assert elf.get_section(shared["st_shndx"]).name == ".text"
        assert elf.get_section_by_name(".debug_info") is None


def test_one_app_of_a_flat_folder_is_built_alone(tree: Tree, folder: Path) -> None:
    made = tree.scons(f"apps_dir={folder}", "app=one").made
    assert made == sorted([*LIBRARY, *products("one")])


def test_changed_file_rebuilds_what_depends_on_it(tree: Tree, folder: Path) -> None:
    tree.scons(f"apps_dir={folder}")
    (folder / "two.h").write_text("#define TWO 8\n")
    assert tree.scons(f"apps_dir={folder}").made == products("two")
    (folder / "shared.c").write_text('#include "shared.h"\nint shared(void) { return 4; }\n')
    programs = ["apps/one/one", "apps/two/two"]
    assert tree.scons(f"apps_dir={folder}").made == sorted(LIBRARY + programs)


@pytest.mark.parametrize("place", ["arm64", "."])
def test_the_folders_own_kernel_types_go_before_ours(tree: Tree, folder: Path, place: str) -> None:
    ours = (tree.build / "vmlinux" / "arm64" / "vmlinux.h").read_text()
    types = folder / place / "vmlinux.h"
    types.parent.mkdir(exist_ok=True)
    types.write_text(
        ours.replace("#ifndef BPF_NO_PRES", "typedef int only_theirs;\n#ifndef BPF_NO_PRES", 1)
    )
    assert "only_theirs" in types.read_text()
    program = folder / "one.bpf.c"
    program.write_text(program.read_text() + '_Static_assert(sizeof(only_theirs) == 4, "");\n')
    made = tree.scons(f"apps_dir={folder}", "app=one").made
    assert made == sorted([*LIBRARY, *products("one"), "vmlinux/apps.pch"])


def test_user_space_without_a_bpf_program_and_the_reverse_are_reported(
    tree: Tree, folder: Path
) -> None:
    (folder / "one.c").unlink()
    assert tree.scons(f"apps_dir={folder}", status=2).err == (
        f"error: {folder} has no one.c\n"
        "hint: an app needs a user space side; -k builds the other apps\n"
    )


def test_a_program_of_user_space_alone_keeps_nothing_back(tree: Tree, folder: Path) -> None:
    (folder / "unfinished.c").write_text(
        '#include "unfinished.skel.h"\n\nint main(int argc,\n\t char **argv)\n{\n}\n'
    )
    shared = folder / "shared.c"
    shared.write_text(
        f"int main(int argc, char **argv);\n{shared.read_text()}"
        "#ifdef TRY\nint main(int argc, char **argv)\n{\n\treturn shared();\n}\n#endif\n"
    )
    made = tree.scons(f"apps_dir={folder}").made
    assert made == sorted([*LIBRARY, *products("one"), *products("two")])


def test_a_folder_of_another_name_than_its_app_is_flat_itself(tree: Tree, folder: Path) -> None:
    (folder / "two.bpf.c").unlink()
    reported = tree.scons(f"apps_dir={folder.parent}", status=2).err
    assert reported == (
        f"error: {folder} has no c.bpf.c\n"
        f"hint: an app c needs c.bpf.c and c.c; apps_dir={folder} builds one\n"
    )
    assert "apps/one/one" in tree.scons(f"apps_dir={folder}").made


def test_a_skeleton_among_the_sources_is_reported(tree: Tree, folder: Path) -> None:
    reported = tree.scons(f"apps_dir={folder}", "app=one").err
    assert reported == ""
    shutil.copy(tree.app("one") / "one.skel.h", folder)
    assert tree.scons(f"apps_dir={folder}", "app=one").err == (
        f"warning: {folder}/one.skel.h hides the skeleton that is built,"
        " and may be of another program: remove it\n"
    )


def test_with_k_the_others_are_built_and_each_failure_has_a_line(tree: Tree, folder: Path) -> None:
    flat.write(folder, "four", "three", "five")
    (folder / "one.c").unlink()
    (folder / "three.c").open("a").write('#include "nowhere.h"\n')
    (folder / "four.c").open("a").write(
        "int missing(void);\n__attribute__((constructor)) void call(void) { missing(); }\n"
    )
    (folder / "five.bpf.c").open("a").write("#error no\n")
    result = tree.scons(f"apps_dir={folder}", "-k", status=2)
    assert "apps/two/two" in result.made
    reported = [line for line in result.err.splitlines() if line.startswith("not built: ")]
    lines = len((folder / "three.c").read_text().splitlines())
    program = len((folder / "five.bpf.c").read_text().splitlines())
    assert reported[0].startswith(f"not built: five: {folder}/five.bpf.c:{program}:2: error: ")
    assert "undefined reference to `missing'" in reported[1]
    assert reported[2] == f"not built: one: {folder} has no one.c"
    assert reported[3] == (
        f"not built: three: {folder}/three.c:{lines}:10: fatal error:"
        " nowhere.h: No such file or directory"
    )
    assert len(reported) == 4
    assert result.err.endswith(f"{reported[3]}\n")


def test_with_k_a_step_that_writes_into_a_file_has_its_reason_too(
    tree: Tree, folder: Path, toolbox: Toolbox
) -> None:
    refuse = '[ "$2" = skeleton ] && echo "Error: no skeleton today" >&2 && exit 255'
    toolbox.wrap("bpftool", "bpftool", first=refuse)
    tree.env = toolbox.first
    reported = tree.scons(f"apps_dir={folder}", "app=one", "-k", status=2).err
    assert reported.endswith("\nnot built: one: Error: no skeleton today\n")


def test_a_name_that_no_app_can_have_keeps_nothing_back(tree: Tree, folder: Path) -> None:
    (folder / "dol$lar.bpf.c").touch()
    reported = "an app cannot be called dol$lar"
    assert tree.scons(f"apps_dir={folder}", status=2).err.startswith(f"error: {reported}\n")
    result = tree.scons(f"apps_dir={folder}", "-k", status=2)
    assert result.err.endswith(f"not built: dol$lar: {reported}\n")
    assert {"apps/one/one", "apps/two/two"} <= set(result.made)


def test_a_folder_that_moves_makes_the_same(tree: Tree, folder: Path) -> None:
    def apps() -> dict[str, str]:
        return tree.products("arm64-gnu/apps/one", "arm64-gnu/apps/_common")

    def made_anew() -> dict[str, str]:
        shutil.rmtree(tree.variant / "apps")
        tree.scons(f"apps_dir={folder}", "app=one")
        return apps()

    tree.scons(f"apps_dir={folder}", "app=one")
    folder = folder.rename(folder.with_name("elsewhere"))
    tree.assert_up_to_date(f"apps_dir={folder}", "app=one")
    assert_same(apps(), made_anew())
    folder = folder.rename(tree.path / "inside")  # where clang tells of files in another way
    made = tree.scons(f"apps_dir={folder}", "app=one").made
    assert made == ["apps/_common/shared.o", *products("one")]
    assert_same(apps(), made_anew())
    folder = folder.rename(tree.path / "inside-elsewhere")
    tree.assert_up_to_date(f"apps_dir={folder}", "app=one")
    assert_same(apps(), made_anew())


def test_kernel_types_that_choose_an_architectures_are_looked_into(
    tree: Tree, folder: Path
) -> None:
    ours = (tree.build / "vmlinux" / "arm64" / "vmlinux.h").read_text()
    (folder / "types").mkdir()
    types = folder / "types" / "vmlinux.h"
    types.write_text(ours)
    (folder / "vmlinux.h").write_text(
        '#ifdef __TARGET_ARCH_arm64\n#include "types/vmlinux.h"\n#endif\n'
    )
    tree.scons(f"apps_dir={folder}", "app=one")
    types.write_text(ours.replace("pid_t tgid;", "pid_t tgid_renamed;"))
    reported = tree.scons(f"apps_dir={folder}", "app=one", status=2).err
    assert "no member named 'tgid' in 'struct task_struct'" in reported


def test_a_script_of_the_folder_is_for_the_app_it_names(tree: Tree, folder: Path) -> None:
    (folder / "SConscript").write_text(
        'Import("env", "name")\nif name == "two":\n    env.Append(CPPDEFINES=["SHARED_TWICE"])\n'
    )
    user = folder / "two.c"
    user.write_text("#ifndef SHARED_TWICE\n#error not reported\n#endif\n" + user.read_text())
    assert "apps/two/two" in tree.scons(f"apps_dir={folder}").made
    (folder / "SConscript").write_text('Import("env")\nenv.Apend(LIBS=["-lm"])\n')
    reported = tree.scons(f"apps_dir={folder}", status=2).err
    assert reported.startswith(f"error: {folder}/SConscript:2: AttributeError: ")


def test_program_runs_where_it_is_built_for(tree: Tree, folder: Path, tmp_path: Path) -> None:
    tree.arch = "x86_64"
    tree.scons(f"apps_dir={folder}", "app=one")
    done = subprocess.run(
        [tree.app("one") / "one"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "one 3 7\n"
