"""What apps share is in a folder _common beside them: compiled once, linked by all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkout import ARCH, Result, Tree

LIBRARY = ["apps/_common/libcommon.a"]
OBJECT = ["apps/_common/shared.o"]
PROGRAMS = ["apps/hello/hello", "apps/many/many"]


@pytest.fixture
def shared(tree: Tree) -> Tree:
    """A built tree: both apps call a function of _common, hello.bpf.c includes its header."""
    tree.source("_common").mkdir()
    tree.source("_common/shared.h").write_text("#define SHARED 3\nint shared(void);\n")
    tree.source("_common/shared.c").write_text(
        '#include "shared.h"\nint shared(void) { return SHARED; }\n'
    )
    tree.edit("apps/hello/hello.c", '#include "hello.h"\n', '#include "shared.h"\n')
    tree.edit("apps/hello/hello.c", "nested(0)", "shared()")
    tree.edit("apps/hello/hello.bpf.c", '"hello.h"\n', '"hello.h"\n#include "shared.h"\n')
    tree.edit("apps/hello/hello.bpf.c", "nested(", "SHARED + nested(")
    tree.edit("apps/many/other.c", '"many.h"\n', '"many.h"\n#include "shared.h"\n')
    tree.edit("apps/many/other.c", "return MANY", "return MANY - SHARED + shared()")
    made = tree.scons().made
    assert {name for name in made if name.startswith("apps/_common/")} == {*LIBRARY, *OBJECT}
    assert set(made) >= {*PROGRAMS}
    return tree


def test_changed_source_is_compiled_once_and_relinks_all_apps(shared: Tree) -> None:
    shared.edit("apps/_common/shared.c", "SHARED;", "SHARED + 1;")
    assert shared.scons().made == sorted(LIBRARY + OBJECT + PROGRAMS)


def test_comment_at_the_end_of_a_source_links_nothing(shared: Tree) -> None:
    shared.source("_common/shared.c").open("a").write("/* the end */\n")
    assert shared.scons().made == OBJECT


def test_changed_header_rebuilds_what_includes_it_on_both_sides(shared: Tree) -> None:
    shared.edit("apps/_common/shared.h", "SHARED 3", "SHARED 4")
    made = set(shared.scons().made)
    assert made >= {*OBJECT, *LIBRARY, *PROGRAMS, "apps/hello/hello.bpf.o", "apps/many/other.o"}
    assert not made & {"apps/many/many.o", "apps/many/many.tmp.bpf.o"}


def test_new_source_and_a_removed_one_change_the_library(shared: Tree) -> None:
    shared.source("_common/more.c").write_text("int more;\n")
    more = ["apps/_common/more.o"]
    assert shared.scons().made == sorted(LIBRARY + more + PROGRAMS)
    shared.source("_common/more.c").unlink()
    assert shared.scons().made == sorted(LIBRARY + PROGRAMS)


def test_one_app_alone_takes_it_too(shared: Tree) -> None:
    shared.edit("apps/_common/shared.c", "SHARED;", "SHARED + 1;")
    assert shared.scons("app=many").made == sorted([*LIBRARY, *OBJECT, "apps/many/many"])


def test_it_is_no_app(shared: Tree) -> None:
    assert shared.scons("list").out == "hello\nmany\n"
    result = shared.scons("app=_common", status=2)
    assert result.err.startswith("error: there is no app _common")


def test_it_is_looked_for_beside_the_apps_wherever_they_are(shared: Tree, tmp_path: Path) -> None:
    before = shared.products(f"{ARCH}-gnu/apps")
    shared.source("").rename(tmp_path / "elsewhere")
    shutil.rmtree(shared.variant / "apps")
    assert set(shared.scons(f"apps_dir={tmp_path}/elsewhere").made) >= {*OBJECT, *PROGRAMS}
    assert shared.products(f"{ARCH}-gnu/apps").keys() == before.keys()


def test_where_there_is_none_nothing_is_made_of_it(first_build: Result, template: Tree) -> None:
    assert not [command for command in first_build.commands if "_common" in " ".join(command)]
    assert not template.app("_common").exists()
