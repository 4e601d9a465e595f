"""What a build makes, where it writes, and what it need not read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from checkout import ARCH, OWN_FILES, Result, Tree, assert_same


def test_every_step_of_the_pipeline_leaves_its_file_under_its_name(template: Tree) -> None:
    names = {path.name for path in template.app("hello").iterdir()}
    assert names == {
        "hello.tmp.bpf.o",
        "hello.bpf.o",
        "hello.skel.h",
        "hello.o",
        "hello",
        "hello.debug",
        *(f"hello{suffix}.inputs" for suffix in (".tmp.bpf.o", ".o", "")),
    }
    assert (template.build / "vmlinux" / ARCH / "vmlinux.h").is_file()
    libraries = template.variant / "third_party"
    assert {path.name for path in libraries.glob("*.a")} == {"libz.a", "libelf.a", "libbpf.a"}
    assert (template.build / "third_party/include/bpf/bpf_helpers.h").is_file()


def test_each_bpf_source_becomes_a_skeleton_that_nothing_need_include(template: Tree) -> None:
    names = {path.name for path in template.app("many").iterdir()}
    assert {"many.skel.h", "second.skel.h", "many.o", "other.o", "many"} <= names
    assert "struct second *" in (template.app("many") / "second.skel.h").read_text()


def test_an_app_of_another_name_than_identifiers_may_have_gets_a_skeleton(tree: Tree) -> None:
    tree.source("many").rename(tree.source("so-many"))
    for path in tree.source("so-many").glob("many.*"):
        path.rename(path.with_name(path.name.replace("many", "so-many")))
    tree.edit("apps/so-many/so-many.c", "many.skel.h", "so-many.skel.h")
    tree.edit("apps/so-many/so-many.c", "many.h", "so-many.h")
    tree.edit("apps/so-many/so-many.c", "struct many", "struct so_many")
    tree.edit("apps/so-many/so-many.c", "many__", "so_many__")
    tree.edit("apps/so-many/other.c", "many.h", "so-many.h")
    tree.edit("apps/so-many/so-many.bpf.c", "many.h", "so-many.h")
    tree.scons("app=so-many")
    assert (tree.app("so-many") / "so-many").is_file()


def test_nothing_is_written_outside_build(tree: Tree) -> None:
    def outside() -> dict[str, tuple[int, int, int]]:
        stamps = tree.stamps()
        return {name: stamp for name, stamp in stamps.items() if not name.startswith("build/")}

    before = outside()
    shutil.rmtree(tree.app("hello"))
    tree.append("apps/many/many.h", "#define NEW 1\n")
    before["apps/many/many.h"] = outside()["apps/many/many.h"]
    tree.scons()
    assert outside() == before


def test_nothing_half_made_is_left_beside_the_products(template: Tree) -> None:
    left = [p for p in template.build.rglob("*") if p.suffix in (".tmp", ".btf")]
    assert left == []


def test_each_file_is_made_once(first_build: Result) -> None:
    compiles = [command for command in first_build.commands if "-c" in command]
    assert len(compiles) == len({command[command.index("-c") + 1] for command in compiles})


def test_each_step_prints_its_name_in_eight_columns_and_its_file(first_build: Result) -> None:
    lines = first_build.out.splitlines()
    assert f"  BPF      build/{ARCH}-gnu/apps/hello/hello.tmp.bpf.o" in lines
    assert f"  GENOBJ   build/{ARCH}-gnu/apps/hello/hello.bpf.o" in lines
    assert f"  SKEL     build/{ARCH}-gnu/apps/hello/hello.skel.h" in lines
    assert f"  CC       build/{ARCH}-gnu/apps/hello/hello.o" in lines
    assert f"  LINK     build/{ARCH}-gnu/apps/hello/hello" in lines
    assert f"  VMLINUX  build/vmlinux/{ARCH}/vmlinux.h" in lines
    assert "  FETCH    libbpf 1.5.0" in lines
    assert all(line[:2] == "  " and line[10] == " " and line[11] != " " for line in lines)


def test_whole_command_lines_are_printed_with_v1_and_nothing_is_rebuilt_for_it(tree: Tree) -> None:
    assert tree.scons("V=1").commands == []
    tree.append("apps/hello/hello.c", "int more;\n")
    lines = tree.scons("V=1", "hello").out.splitlines()
    folder = f"build/{ARCH}-gnu/apps/hello"
    assert any(f" -o {folder}/hello.o.tmp " in line for line in lines)
    assert any(f" -o {folder}/hello.tmp " in line for line in lines)


def test_a_copied_tree_is_up_to_date(tree: Tree) -> None:
    tree.assert_up_to_date()


def test_a_null_build_compiles_no_module_of_ours_again(tree: Tree) -> None:
    def modules() -> dict[Path, int]:
        return {
            path: path.stat().st_mtime_ns for path in (tree.path / ".venv/pycache").rglob("*.pyc")
        }

    tree.scons()
    before = modules()
    assert any("console" in path.name for path in before)
    tree.scons()
    assert modules() == before


def test_a_null_build_reads_no_other_app(tree: Tree) -> None:
    for number in range(300):
        folder = tree.source(f"app{number}")
        folder.mkdir()
        (folder / "SConscript").write_text("raise RuntimeError('this app was read')\n")
    (tree.source("many") / "SConscript").write_text("raise RuntimeError('this app was read')\n")
    tree.assert_up_to_date("app=hello")
    tree.assert_up_to_date("hello")


def test_the_chosen_app_builds_while_all_others_are_broken(tree: Tree) -> None:
    tree.source("many/many.bpf.c").write_text("this is no C\n")
    tree.source("many/many.c").unlink()
    tree.append("apps/hello/hello.c", "int more;\n")
    assert tree.scons("app=hello").made == ["apps/hello/hello", "apps/hello/hello.o"]


def test_a_null_build_executes_no_program_but_python(tree: Tree, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not on this machine")
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=execve", "-o", str(trace), *tree.command()]
    subprocess.run(command, cwd=tree.path, env=tree.environment({}), check=True)
    executed = [line for line in trace.read_text().splitlines() if "execve(" in line]
    assert len(executed) == 1, executed


def test_an_app_is_named_as_option_target_or_file(tree: Tree) -> None:
    program = f"build/{ARCH}-gnu/apps/hello/hello"
    for argument in ("app=hello", "hello", program):
        shutil.rmtree(tree.app("hello"))
        assert "apps/hello/hello" in tree.scons(argument).made
    tree.append("apps/hello/hello.c", "int more;\n")
    assert tree.scons(f"{program[:-5]}hello.o").made == ["apps/hello/hello.o"]
    assert tree.scons("app=hello,many").made == ["apps/hello/hello"]


def test_apps_of_another_folder_are_built_and_its_place_changes_no_byte(
    tree: Tree, tmp_path: Path
) -> None:
    elsewhere, afar = tmp_path / "elsewhere", tmp_path / "a/place/that is/farther"
    shutil.move(tree.source(""), elsewhere)
    shutil.rmtree(tree.variant / "apps")
    tree.scons(f"apps_dir={elsewhere}")
    built = tree.products(f"{ARCH}-gnu/apps")
    afar.parent.mkdir(parents=True)
    elsewhere.rename(afar)
    shutil.rmtree(tree.variant / "apps")
    tree.scons(f"apps_dir={afar}")
    assert_same(built, tree.products(f"{ARCH}-gnu/apps"))


def test_the_folder_of_apps_may_be_named_from_here(tree: Tree) -> None:
    tree.assert_up_to_date(f"apps_dir={tree.source('')}")
    tree.assert_up_to_date("apps_dir=./apps/")
    tree.source("").rename(tree.path / "other apps")
    shutil.rmtree(tree.variant / "apps")
    tree.scons("apps_dir=other apps")
    assert (tree.app("hello") / "hello").is_file()


def test_the_list_of_own_files_is_what_a_build_keeps_for_itself(template: Tree) -> None:
    own = {p.relative_to(template.build) for p in template.build.rglob("*") if p.is_file()}
    kept = {str(name) for name in own if OWN_FILES.search(str(name))}
    assert {n for n in kept if not n.endswith(".inputs")} == {
        "journal",
        "lock",
        "probes.json",
        "sconsign",
        *(f"{ARCH}-gnu/third_party/{name}.state" for name in ("zlib", "libelf", "libbpf")),
        f"{ARCH}-gnu/btfhub/libdroidbpf.state",
    }


def test_null_build_leaves_the_database_as_it_is(tree: Tree) -> None:
    database = tree.build / "sconsign"
    tree.scons()
    before = database.stat()
    tree.scons()
    after = database.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    tree.append("apps/hello/hello.c", "int more;\n")
    tree.scons()
    assert database.stat().st_mtime_ns != before.st_mtime_ns
    assert tree.scons().commands == []
