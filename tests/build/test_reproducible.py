"""The same inputs give the same bytes, whatever the place, the user and the number of jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import flat
import pytest
from checkout import ARCH, Tree, assert_same, check_out

SOMEBODY = {
    "HOME": "/home/somebody-with-a-home",
    "USER": "somebody-with-a-home",
    "LOGNAME": "somebody-with-a-home",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "TZ": "Pacific/Kiritimati",
    "PYTHONHASHSEED": "12345",
    "CFLAGS": "-O0",
    "CC": "false",
    "SOURCE_DATE_EPOCH": "1",
}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A tree that another user built from nothing, with one job, at another, odd path."""
    folder = tmp_path_factory.mktemp("else") / "a much longer path, with spaces and ünïcode" / "x"
    tree = check_out(folder)
    tree.env = SOMEBODY
    umask = os.umask(0o077)
    try:
        tree.scons("-j1")
    finally:
        os.umask(umask)
    tree.assert_up_to_date()
    yield tree
    shutil.rmtree(folder)


def test_two_checkouts_of_two_users_give_the_same_bytes(template: Tree, elsewhere: Tree) -> None:
    assert_same(template.products(), elsewhere.products())


def test_no_byte_shows_the_place_or_the_user(elsewhere: Tree) -> None:
    secrets = [os.fsencode(elsewhere.path), b"somebody-with-a-home", b"much longer path"]
    reported = []
    for name in elsewhere.products():
        content = (elsewhere.build / name).read_bytes()
        reported += [(name, secret) for secret in secrets if secret in content]
    assert reported == []


def test_no_byte_shows_the_absolute_path_of_the_apps(tree: Tree, tmp_path: Path) -> None:
    apps = tmp_path / "folder of somebody"
    shutil.move(tree.source(""), apps)
    tree.append(str(apps / "hello/hello.bpf.c"), "int more;\n")
    tree.append(str(apps / "hello/hello.c"), "int more;\n")
    tree.scons(f"apps_dir={apps}", "hello")
    for name in tree.products(f"{ARCH}-gnu/apps/hello"):
        assert b"folder of somebody" not in (tree.build / name).read_bytes(), name


def test_a_copy_elsewhere_builds_the_same_bytes(tree: Tree, tmp_path: Path) -> None:
    """clang's heap moves with the length of its folder, and with it the order of its BTF."""
    before = tree.products()
    for length in (1, 40, 120):
        copy = tree.copy(tmp_path / ("x" * length))
        shutil.rmtree(copy.variant / "apps")
        copy.scons()
        assert_same(before, copy.products())
        shutil.rmtree(copy.path)


def test_what_is_built_first_changes_no_byte(tree: Tree) -> None:
    before = tree.products()
    for jobs, names in (("-j1", ("many", "hello")), ("-j4", ("hello", "many"))):
        shutil.rmtree(tree.variant / "apps")
        for name in names:
            tree.scons(jobs, name)
        assert_same(before, tree.products())


@pytest.mark.parametrize("name", ["a=b,c", "it's; (so) $x 100%"])
def test_any_name_of_the_checkout_will_do(template: Tree, tmp_path: Path, name: str) -> None:
    tree = template.copy(tmp_path / name)
    tree.assert_up_to_date()
    before = tree.products(f"{ARCH}-gnu/apps/hello")
    shutil.rmtree(tree.app("hello"))
    tree.scons("hello")
    assert_same(before, tree.products(f"{ARCH}-gnu/apps/hello"))
    shutil.rmtree(tree.path)


def test_time_of_day_is_in_no_program_of_ours(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "const char *made = __DATE__ __TIME__;\n")
    said = tree.scons("hello", status=2).err
    assert "-Werror=date-time" in said
    tree.edit("apps/hello/hello.c", "const char *made = __DATE__ __TIME__;\n", "")
    tree.append("apps/hello/hello.bpf.c", "const char made[] = __TIME__;\n")
    assert "-Werror,-Wdate-time" in tree.scons("hello", status=2).err


def test_time_of_day_in_programs_of_others_is_warned_of_and_can_be_set(
    tree: Tree, tmp_path: Path
) -> None:
    folder = flat.write(tmp_path / "flat", "one")
    with (folder / "one.c").open("a") as file:
        file.write("const char *made(void) { return __DATE__ __TIME__; }\n")
    with (folder / "one.bpf.c").open("a") as file:
        file.write("const char made[] = __DATE__;\n")
    said = tree.scons(f"apps_dir={folder}").err
    assert said.count("-Wdate-time") == 3
    epoch = {"SOURCE_DATE_EPOCH": "86400"}
    made = tree.scons(f"apps_dir={folder}", env=epoch).made
    assert {"apps/one/one", "apps/one/one.bpf.o"} <= set(made)
    assert b"Jan  2 197000:00:00" in (tree.app("one") / "one.o").read_bytes()
    before = tree.products("arm64-gnu/apps/one")
    tree.assert_up_to_date(f"apps_dir={folder}", env=epoch)
    shutil.rmtree(tree.app("one"))
    tree.scons(f"apps_dir={folder}", env=epoch)
    assert_same(before, tree.products("arm64-gnu/apps/one"))
    tree.last = None
