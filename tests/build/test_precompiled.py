"""vmlinux.h is read once for all BPF programs that begin with it."""

from __future__ import annotations

from pathlib import Path

import flat
import pytest
from checkout import Tree
from elftools.elf.elffile import ELFFile

PCH = "vmlinux/own.pch"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return flat.write(tmp_path / "flat", "one")


def compile_of(tree: Tree, *args: str) -> list[str]:
    """Build; give the one command that compiles a BPF program."""
    found = [c for c in tree.scons(*args).commands if c[-1].endswith("one.tmp.bpf.o.tmp")]
    (command,) = found
    return command


def test_programs_that_begin_with_it_use_it(tree: Tree, folder: Path) -> None:
    command = compile_of(tree, f"apps_dir={folder}")
    assert command[command.index("-include-pch") + 1] == f"build/arm64-gnu/{PCH}"


@pytest.mark.parametrize(
    "before", ["#define BPF_NO_PRESERVE_ACCESS_INDEX\n", "/* a */\n#define X /* b */\n"]
)
def test_what_stands_before_it_is_honoured(tree: Tree, folder: Path, before: str) -> None:
    program = folder / "one.bpf.c"
    program.write_text(before + program.read_text())
    assert "-include-pch" not in compile_of(tree, f"apps_dir={folder}")


def test_flags_of_an_apps_own_are_honoured(tree: Tree, folder: Path) -> None:
    (folder / "SConscript").write_text('Import("env")\nenv.Append(BPFDEFINES=["MINE"])\n')
    assert "-include-pch" not in compile_of(tree, f"apps_dir={folder}")


SCRIPTS = {
    "made": 'env.Generate("vmlinux.h", "copied.py", {"types": "types.txt"})',
    "put before ours": "env.Prepend(CPPPATH=[f\"{env['FOLDER']}/others\"])",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_types_that_a_script_made_or_put_before_ours_are_honoured(
    tree: Tree, folder: Path, script: str
) -> None:
    types = (tree.build / "vmlinux" / "arm64" / "vmlinux.h").read_text()
    theirs = types.replace("pid_t tgid;", "pid_t tgid_of_theirs;")
    (folder / "types.txt").write_text(theirs)
    (folder / "others").mkdir()
    (folder / "others" / "vmlinux.h").write_text(theirs)
    (folder / "copied.py").write_text(
        'import shutil, sys\nshutil.copyfile(sys.argv[2].removeprefix("types="), sys.argv[1])\n'
    )
    (folder / "SConscript").write_text(f'Import("env")\n{script}\n')
    program = folder / "one.bpf.c"
    program.write_text(program.read_text().replace("task, tgid)", "task, tgid_of_theirs)"))
    assert "-include-pch" not in compile_of(tree, f"apps_dir={folder}")


def test_types_without_a_guard_are_read_by_each(tree: Tree, folder: Path) -> None:
    ours = (tree.build / "vmlinux" / "arm64" / "vmlinux.h").read_text()
    guards = ("#ifndef __VMLINUX_H__\n", "#define __VMLINUX_H__\n", "#endif /* __VMLINUX_H__ */\n")
    for guard in guards:
        assert guard in ours
        ours = ours.replace(guard, "")
    (folder / "vmlinux.h").write_text(ours)
    assert "-include-pch" not in compile_of(tree, f"apps_dir={folder}")


def test_lost_file_is_made_again(tree: Tree, folder: Path) -> None:
    tree.scons(f"apps_dir={folder}")
    (tree.variant / PCH).unlink()
    assert tree.scons(f"apps_dir={folder}").made == [PCH]
    program = folder / "one.bpf.c"
    program.write_text(program.read_text().replace("== ONE", "!= ONE"))
    assert "apps/one/one" in tree.scons(f"apps_dir={folder}").made


def test_renewed_kernel_types_are_precompiled_again(tree: Tree, folder: Path) -> None:
    types = folder / "vmlinux.h"
    types.write_bytes((tree.build / "vmlinux" / "arm64" / "vmlinux.h").read_bytes())
    tree.scons(f"apps_dir={folder}")
    types.touch()
    assert tree.scons(f"apps_dir={folder}").made == []
    types.write_text(types.read_text().replace("pid_t tgid;", "pid_t tgid_renamed;"))
    reported = tree.scons(f"apps_dir={folder}", status=2).err
    assert "no member named 'tgid' in 'struct task_struct'" in reported


def test_instructions_are_the_same_with_and_without(tree: Tree, folder: Path) -> None:
    def code() -> bytes:
        with (tree.app("one") / "one.bpf.o").open("rb") as file:
            return bytes(ELFFile(file).get_section_by_name("raw_tp/sys_enter").data())

    tree.scons(f"apps_dir={folder}")
    first = code()
    (folder / "SConscript").write_text('Import("env")\nenv.Append(BPFDEFINES=["MINE"])\n')
    tree.scons(f"apps_dir={folder}")
    assert code() == first
