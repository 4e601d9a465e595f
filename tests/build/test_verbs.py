"""What can be asked for beside a build: list, doctor, help, clean, compile_commands.json."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ARCH, Tree, assert_same
from toolbox import Toolbox, real

COMPILER = {"arm64": "aarch64", "x86_64": "x86_64"}[ARCH] + "-linux-gnu-gcc"


def test_list_shows_the_apps_there_are(tree: Tree) -> None:
    (tree.source(".hidden")).mkdir()
    (tree.source("file.txt")).touch()
    assert tree.scons("list").out == "hello\nmany\n"


@pytest.mark.parametrize("verb", ["list", "doctor"])
def test_output_that_cannot_be_written_is_an_error(tree: Tree, verb: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "SCons", "-Q", verb],
            cwd=tree.path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "error: No space left on device: the output cannot be written\n",
    )


def test_list_reads_no_app_and_needs_no_tool(tree: Tree) -> None:
    for name in ("hello", "many"):
        tree.source(f"{name}/SConscript").write_text("raise RuntimeError\n")
    assert tree.scons("list", env={"PATH": "/nowhere"}).out == "hello\nmany\n"
    assert tree.scons("list", "apps_dir=.").out.splitlines()[0] == "apps"


def test_doctor_shows_each_tool_with_its_version(tree: Tree) -> None:
    if not shutil.which("qemu-system-aarch64"):
        pytest.skip("qemu-system-aarch64 is not on this machine")
    lines = tree.scons("doctor").out.splitlines()
    version = subprocess.check_output([COMPILER, "-dumpfullversion"], text=True).strip()
    found = f"gcc version {version} ({real(COMPILER)})"
    assert lines[0] == f"ok    target compiler: gnu for {ARCH}, {found}"
    clang, bpftool = real("clang"), real("bpftool")
    assert lines[1].startswith("ok    BPF tools: clang ")
    assert f" ({clang}), bpftool " in lines[1]
    assert lines[1].endswith(f" ({bpftool})")
    assert lines[2] == f"ok    virtual machine, for run: {shutil.which('qemu-system-aarch64')}"
    assert len(lines) == 3


def test_doctor_shows_what_builds_bpftool(tree: Tree) -> None:
    lines = tree.scons("doctor", "bpftool=source").out.splitlines()
    assert re.fullmatch(
        r"ok    BPF tools: clang \S+ \(\S+\), "
        r"bpftool from source \(built by (gnu|zig) for \w+, .+ \(\S+( cc .+)?\)\)",
        lines[1],
    )


def test_doctor_shows_what_is_missing_and_how_to_install_it(tree: Tree, toolbox: Toolbox) -> None:
    toolbox.script("bpftool", "echo bpftool v5.10.0")
    result = tree.scons("doctor", env=toolbox.only, status=2)
    lines = result.out.splitlines()
    assert lines[0] == f"FAIL  target compiler: the gnu toolchain for {ARCH} lacks {COMPILER}"
    assert lines[1].startswith("      install it: apt-get install gcc")
    assert lines[2] == "FAIL  BPF tools: no clang was found to compile BPF objects"
    assert lines[3] == "      install it: apt-get install clang-19 (or any clang from 11 on)"
    assert "FAIL  virtual machine, for run: qemu-system-aarch64 is not installed" in lines


def test_help_lists_every_option_with_its_default(tree: Tree) -> None:
    out = tree.scons("-h").out
    assert out.startswith("usage: scons [OPTION=VALUE …] [TARGET …]\n")
    for name, default in {
        "ARCH": "arm64",
        "app": "all",
        "toolchain": "auto",
        "bpftool": "auto",
        "apps_dir": "apps",
        "offline": "0",
        "mode": "release",
        "link": "static",
        "kernel": "5.10",
        "V": "0",
    }.items():
        line = next(line for line in out.splitlines() if line.startswith(f"  {name} "))
        assert f"[{default}]" in line
    for name in ("mirror", "args"):
        assert any(line.startswith(f"  {name} ") for line in out.splitlines())
    for target in ("run", "list", "doctor", "compile_commands.json"):
        assert any(line.startswith(f"  {target} ") for line in out.splitlines())


def test_clean_leaves_no_file_of_the_app_and_all_of_the_others(tree: Tree) -> None:
    others = tree.products(f"{ARCH}-gnu/apps/many")
    tree.scons("-c", "app=hello")
    assert not [p for p in tree.app("hello").rglob("*") if p.is_file()]
    assert_same(others, tree.products(f"{ARCH}-gnu/apps/many"))


def test_clean_of_all_leaves_no_product(tree: Tree) -> None:
    tree.scons("-c")
    assert tree.products() == {}


def test_dry_run_shows_and_makes_nothing(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "int more;\n")
    before = tree.stamps()
    result = tree.scons("-n")
    assert f"  CC       build/{ARCH}-gnu/apps/hello/hello.o" in result.out.splitlines()
    assert result.commands == []
    assert tree.stamps() == before


def test_dry_run_of_the_first_build_makes_and_fetches_nothing(tree: Tree, tmp_path: Path) -> None:
    tree.forget()
    result = tree.scons("-n", env={"DROIDBPF_CACHE": str(tmp_path / "cache")})
    assert result.commands == []
    assert f"  LINK     build/{ARCH}-gnu/apps/hello/hello" in result.out.splitlines()
    assert tree.products() == {}
    assert not (tmp_path / "cache").exists()


def test_question_is_answered_by_the_status_alone(tree: Tree) -> None:
    assert tree.scons("-q").commands == []
    tree.append("apps/hello/hello.c", "int more;\n")
    before = tree.stamps()
    assert tree.scons("-q", status=1).commands == []
    assert tree.stamps() == before


def test_keep_going_builds_the_other_apps(tree: Tree) -> None:
    tree.append("apps/hello/hello.bpf.c", "broken\n")
    tree.append("apps/many/many.c", "int more;\n")
    made = tree.scons("-k", status=2).made
    assert "apps/many/many" in made
    assert "apps/hello/hello" not in made


def test_compile_commands_are_valid_and_each_compiles_in_its_directory(tree: Tree) -> None:
    tree.scons("compile_commands.json")
    entries = json.loads((tree.build / "compile_commands.json").read_text())
    files = sorted(os.path.relpath(entry["file"], tree.path) for entry in entries)
    assert files == [
        "apps/hello/hello.bpf.c",
        "apps/hello/hello.c",
        "apps/many/many.bpf.c",
        "apps/many/many.c",
        "apps/many/other.c",
        "apps/many/second.bpf.c",
    ]
    before = tree.stamps()
    for entry in entries:
        command = [*entry["arguments"], "-fsyntax-only"]
        subprocess.run(command, cwd=entry["directory"], check=True)
    assert tree.stamps() == before


def test_compile_commands_are_written_only_when_a_command_changes(tree: Tree) -> None:
    database = tree.build / "compile_commands.json"
    tree.scons("compile_commands.json")
    stamp = database.stat()
    tree.append("apps/hello/hello.c", "int more;\n")
    tree.scons("compile_commands.json")
    assert database.stat() == stamp
    tree.source("hello/more.c").write_text("typedef int more;\n")
    tree.scons("compile_commands.json")
    assert len(json.loads(database.read_text())) == 7
