"""A program is current only while all that its compilers and its linker read is the same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from checkout import TRIPLE, Tree

GCC = f"{TRIPLE}-gcc"
USER_SIDE = ["apps/hello/hello", "apps/hello/hello.o"]
USE = "int from_header = WORD;\n"
FORMS = {
    "plain": '#include "word.h"\n',
    "comment": '#include /* why */ "word.h"\n',
    "comments": "#  include/* a *//* b */<word.h>\n",
    "macro": '#define NAME "word.h"\n#include NAME\n',
    "split": '#incl\\\nude "word.h"\n',
    "asked for": '#if __has_include("word.h")\n#include "word.h"\n#endif\n',
}


def script(tree: Tree, *lines: str) -> None:
    (tree.source("hello") / "SConscript").write_text("\n".join(['Import("env")', *lines, ""]))


def test_changed_header_rebuilds_whatever_its_include_looks_like(tree: Tree) -> None:
    (tree.source("hello") / "word.h").write_text("#define WORD 1\n")
    objects = set()
    for number, form in enumerate(FORMS.values()):
        program = tree.source("hello/hello.bpf.c").read_text()
        tree.source(f"hello/form{number}.c").write_text(f"{form}static {USE}")
        tree.source(f"hello/form{number}.bpf.c").write_text(f"{program}{form}{USE}")
        objects |= {f"apps/hello/form{number}{suffix}" for suffix in (".o", ".tmp.bpf.o")}
    tree.scons("hello")
    tree.edit("apps/hello/word.h", "1", "2")
    assert set(tree.scons("hello").made) >= objects


@pytest.mark.parametrize("flags", ["CCFLAGS", "BPFFLAGS"])
@pytest.mark.parametrize("outside", [False, True])
def test_changed_header_of_a_folder_that_flags_name_rebuilds(
    tree: Tree, tmp_path: Path, flags: str, outside: bool
) -> None:
    folder = tmp_path / "more" if outside else tree.source("hello") / "more"
    folder.mkdir()
    (folder / "word.h").write_text("#define WORD 1\n")
    named = folder if outside else "apps/hello/more"
    script(tree, f'env.Append({flags}=["-isystem", "{named}"])')
    source = "hello.c" if flags == "CCFLAGS" else "hello.bpf.c"
    tree.append(f"apps/hello/{source}", f"#include <word.h>\n{USE}")
    tree.scons("hello")
    (folder / "word.h").write_text("#define WORD 2\n")
    assert "apps/hello/hello" in tree.scons("hello").made


@pytest.mark.parametrize("flags", ["CCFLAGS", "BPFFLAGS"])
def test_header_that_appears_in_an_earlier_folder_of_the_flags_rebuilds(
    tree: Tree, tmp_path: Path, flags: str
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "second/word.h").write_text("#define WORD 1\n")
    script(tree, f'env.Append({flags}=["-I{tmp_path}/first", "-I", "{tmp_path}/second"])')
    source = "hello.c" if flags == "CCFLAGS" else "hello.bpf.c"
    tree.append(f"apps/hello/{source}", f"#include <word.h>\n{USE}")
    tree.scons("hello")
    (tmp_path / "first/word.h").write_text("#define WORD 2\n")
    assert "apps/hello/hello" in tree.scons("hello").made


def test_header_that_appears_where_it_is_asked_for_rebuilds(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", f"#define WORD 1\n{FORMS['asked for']}{USE}")
    tree.scons("hello")
    (tree.source("hello") / "word.h").write_text("#undef WORD\n#define WORD 2\n")
    assert tree.scons("hello").made == USER_SIDE


def library(folder: Path, number: int) -> None:
    """Make libword.a, whose word() returns a number."""
    folder.mkdir(exist_ok=True)
    (folder / "word.c").write_text(f"int word(void) {{ return {number}; }}\n")
    subprocess.run([GCC, "-c", "word.c", "-o", "word.o"], cwd=folder, check=True)
    (folder / "libword.a").unlink(missing_ok=True)
    subprocess.run([f"{TRIPLE}-ar", "rcsD", "libword.a", "word.o"], cwd=folder, check=True)


LIBS = {
    "path": 'LIBS=["{0}/libword.a"]',
    "node": 'LIBS=[env.File("{0}/libword.a")]',
    "name": 'LINKFLAGS=["-L{0}"], LIBS=["-lword"]',
}


@pytest.mark.parametrize("named", LIBS.values(), ids=LIBS)
def test_changed_library_links_again(tree: Tree, tmp_path: Path, named: str) -> None:
    library(tmp_path / "lib", 1)
    script(tree, f"env.Append({named.format(tmp_path / 'lib')})")
    tree.append("apps/hello/hello.c", "int word(void);\nint (*own)(void) = word;\n")
    tree.scons("hello")
    library(tmp_path / "lib", 2)
    assert tree.scons("hello").made == ["apps/hello/hello"]


def test_header_that_is_edited_while_the_compiler_runs_rebuilds(
    hooked: Tree, tmp_path: Path
) -> None:
    tree = hooked
    header = tmp_path / "word.h"
    header.write_text("#define WORD 1\n")
    edited = tmp_path / "edited"
    (tmp_path / "hook").write_text(
        f'{shutil.which(GCC)} "$@" || exit\n'
        f'case "$*" in *hello.o.tmp*) [ -e {edited} ] || echo "#define WORD 2" >{header}\n'
        f": >{edited} ;; esac\n"
        "exit 0\n"
    )
    script(tree, f'env.Append(CCFLAGS=["-I{tmp_path}"])')
    tree.append("apps/hello/hello.c", f"#include <word.h>\n{USE}")
    tree.scons("hello")
    assert "apps/hello/hello.o" in tree.scons("hello").made


def test_header_of_the_libc_rebuilds_bpf_objects_and_libraries(
    hooked: Tree, tmp_path: Path
) -> None:
    """A folder that the compiler itself searches stands for the libc's."""
    tree, folder = hooked, tmp_path / "libc"
    folder.mkdir()
    original = Path(f"/usr/{TRIPLE}/include/features-time64.h")
    (folder / "features-time64.h").write_bytes(original.read_bytes())
    (tmp_path / "hook").write_text(f'set -- -isystem "{folder}" "$@"\n')
    (tree.app("hello") / "hello.o").unlink()
    shutil.rmtree(tree.variant / "third_party/libz")
    (tree.variant / "third_party/libz.a").unlink()
    tree.scons("hello")
    tree.assert_up_to_date("hello")
    with (folder / "features-time64.h").open("a") as file:
        file.write("/* changed */\n")
    made = tree.scons("hello").made
    assert "apps/hello/hello.o" in made
    assert "third_party/libz/gzlib.o" in made


def test_a_lost_record_compiles_once_more(tree: Tree) -> None:
    (tree.app("hello") / "hello.o.inputs").unlink()
    assert tree.scons("hello").made == ["apps/hello/hello.o"]
