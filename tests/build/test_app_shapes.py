"""Apps of several BPF programs, and what a SConscript of three lines says of the exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Tree

HELPER = """\
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

int twice(int number)
{
	return 2 * number;
}
"""


@pytest.fixture
def linked(tree: Tree) -> Tree:
    """A tree whose app many calls in its BPF program a function of another .bpf.c."""
    tree.source("many/helper.bpf.c").write_text(HELPER)
    tree.edit("apps/many/many.bpf.c", "int calls;", "int calls;\nextern int twice(int number);")
    tree.edit("apps/many/many.bpf.c", "&calls, MANY", "&calls, twice(MANY)")
    tree.source("many/SConscript").write_text('Import("env")\nenv["BPF_OBJECTS"] = "one"\n')
    return tree


def test_several_programs_are_linked_into_one_object(linked: Tree) -> None:
    made = linked.scons("app=many").made
    compiled = [f"{name}.tmp.bpf.o" for name in ("helper", "many", "second")]
    stems = [*compiled, "many.bpf.o", "many.skel.h", "many", "many.o"]
    assert made == sorted(f"apps/many/{name}" for name in stems)
    linked.edit("apps/many/helper.bpf.c", "2 * number", "3 * number")
    made = linked.scons("app=many").made
    assert "apps/many/many.tmp.bpf.o" not in made
    assert "apps/many/many" in made


def test_one_object_without_a_license_is_refused(linked: Tree) -> None:
    linked.edit("apps/many/many.bpf.c", "char LICENSE[]", "//")
    linked.edit("apps/many/second.bpf.c", '__attribute__((section("license"), used))', "//")
    reported = linked.scons("app=many", status=2).err
    assert (
        "\nerror: build/arm64-gnu/apps/many/many.bpf.o has no license\nhint: add: char" in reported
    )


def test_each_object_is_checked_where_one_was_made_before(linked: Tree) -> None:
    linked.scons("app=many")
    (linked.path / "apps/many/SConscript").unlink()
    reported = linked.scons("app=many", status=2).err
    assert "error: apps/many/helper.bpf.c has no BPF program\n" in reported


def test_what_is_to_be_linked_is_one_of_two_words(linked: Tree) -> None:
    linked.source("many/SConscript").write_text('Import("env")\nenv["BPF_OBJECTS"] = "all"\n')
    assert linked.scons("app=many", status=2).err == (
        "error: BPF_OBJECTS=all\nhint: it may be each, or one\n"
    )


@pytest.fixture
def sconscript(refusing: Tree) -> Iterator[Path]:
    """The script of the app many, removed at the end."""
    path = refusing.source("many/SConscript")
    yield path
    path.unlink()


@pytest.mark.parametrize(("value", "reported"), [("None", "None"), ("'-x'", "-x"), ("3", "3")])
def test_a_skeletons_suffix_is_part_of_a_name(
    sconscript: Path, refusing: Tree, value: str, reported: str
) -> None:
    sconscript.write_text(f'Import("env")\nenv["SKELETON_SUFFIX"] = {value}\n')
    assert refusing.scons("app=many", status=2).err == (
        f"error: SKELETON_SUFFIX={reported}\n"
        "hint: it ends the name of a C struct: letters, digits and _\n"
    )


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ('env["BPFFLAGS"] = 3', "BPFFLAGS cannot be of the type int"),
        ('env["CPPPATH"] = 3', "CPPPATH cannot be of the type int"),
        ('env["LIBS"] = None', "LIBS cannot be of the type NoneType"),
        ('env["CCFLAGS"] = {}', "CCFLAGS cannot be of the type dict"),
        ('env["CPPDEFINES"] = {1, 2}', "CPPDEFINES cannot be of the type set"),
        ('env["DEMO_ARGS"] = None', "DEMO_ARGS cannot be of the type NoneType"),
        ('env["DEMO_ARGS"] = ["-n", "3"]', "DEMO_ARGS cannot be of the type list"),
    ],
)
def test_value_of_a_wrong_type_is_refused(
    sconscript: Path, refusing: Tree, statement: str, text: str
) -> None:
    sconscript.write_text(f'Import("env")\n{statement}\n')
    assert refusing.scons("app=many", status=2).err == (
        f"error: apps/many/SConscript: {text}\n"
        "hint: docs/reference/app-folders.md lists what a SConscript may set\n"
    )


@pytest.mark.parametrize(
    "statement",
    [
        'env.Append(LIBS=["/tmp"])',
        'env.Append(LIBS=["${1/0}"])',
        'env.Append(CPPPATH=["#SConstruct"])',
        'env["VMLINUX"] = "vmlinux.h"',
        'env.Generate("many.o", "SConscript", {})',
    ],
)
def test_value_that_scons_refuses_is_reported_in_a_line(
    sconscript: Path, refusing: Tree, statement: str
) -> None:
    sconscript.write_text(f'Import("env")\n{statement}\n')
    reported = refusing.scons("app=many", status=2)
    assert re.fullmatch(
        r"error: apps/many/SConscript: \w+: .+\n"
        r"hint: docs/reference/app-folders.md lists what a SConscript may set\n",
        reported.err,
    )
    assert "File " not in reported.out


def test_folder_of_headers_is_found_whatever_its_name(tree: Tree) -> None:
    (tree.source("many") / "inc $x").mkdir()
    (tree.source("many") / "inc $x/own.h").write_text("#define OWN 1\n")
    tree.edit("apps/many/many.c", "#include", '#include "own.h"\n#include')
    tree.source("many/SConscript").write_text(
        'Import("env")\nenv.Append(CPPPATH=["apps/many/inc $$x"])\n'
    )
    tree.scons("app=many")


def test_a_script_names_libraries_definitions_and_the_skeleton(tree: Tree) -> None:
    tree.source("many/SConscript").write_text(
        'Import("env")\n'
        'env.Append(CPPDEFINES=["TURNS=3"], BPFDEFINES=["MORE=2"], LIBS=["-lm"])\n'
        'env["SKELETON_SUFFIX"] = "_bpf"\n'
    )
    tree.edit("apps/many/many.bpf.c", "&calls, MANY", "&calls, MANY + MORE")
    tree.edit("apps/many/many.c", "struct many *", "struct many_bpf *")
    tree.edit("apps/many/many.c", "many__open", "many_bpf__open")
    tree.edit("apps/many/many.c", "many__destroy", "many_bpf__destroy")
    tree.edit("apps/many/many.c", "#include", "#include <math.h>\n#include")
    tree.edit("apps/many/many.c", "return !good", "return !good + (int)lgamma(TURNS + good)")
    assert "apps/many/many" in tree.scons("app=many").made


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("env.Append(LIBS=[)\n", "SConscript:1: SyntaxError: "),
        ('Import("env")\n\nenv.Apend(LIBS=[])\n', "SConscript:3: AttributeError: "),
        ('Import("nothing")\n', "SConscript:1: UserError: "),
        ("raise KeyboardInterrupt\n", "SConscript:1: KeyboardInterrupt: "),
    ],
)
def test_fault_of_a_script_is_reported_in_a_line(
    sconscript: Path, refusing: Tree, script: str, text: str
) -> None:
    sconscript.write_text(script)
    reported = refusing.scons("app=many", status=2).err
    assert reported.startswith(f"error: apps/many/{text}")
    assert reported.endswith(
        "\nhint: docs/reference/app-folders.md lists what a SConscript may set\n"
    )
    assert len(reported.splitlines()) == 2


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("import sys\n\nraise KeyError('x')\n", "apps/many/table.py:3: error: KeyError: 'x'"),
        (
            "x = (\n",
            "apps/many/table.py:1: error: SyntaxError: '(' was never closed (table.py, line 1)",
        ),
        ("import sys\nsys.exit('no table')\n", "no table"),
        ("import sys\nsys.exit(1)\n", ""),
        ("import os\nos.kill(os.getpid(), 9)\n", ""),
        (
            "pass\n",
            "apps/many/table.py:1: error: it did not write build/arm64-gnu/apps/many/table.h.tmp",
        ),
    ],
)
def test_generator_that_fails_is_reported_in_a_line(tree: Tree, script: str, text: str) -> None:
    tree.source("many/SConscript").write_text(
        'Import("env")\nenv.Generate("table.h", "table.py", {})\n'
    )
    tree.source("many/table.py").write_text(script)
    tree.edit("apps/many/many.c", "#include", '#include "table.h"\n#include')
    lines = tree.scons("app=many", status=2).err.splitlines()
    assert lines[: len(lines) - 3] == ([text] if text else [])
    assert lines[-2].startswith("error: python")
    assert " failed on apps/many/table.py (status " in lines[-2]
    assert lines[-1].startswith("hint: its messages are above; the command was: ")
