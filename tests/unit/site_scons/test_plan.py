"""What an app is made of, as its folder shows it: plain data, without SCons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import selection
from base.errors import DroidbpfError
from selection import Plan


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def plan(name: str, folder: str = "apps") -> Plan:
    return selection.plan(name, selection.layout(folder), "arm64")


def refused(name: str, folder: str = "apps") -> str:
    with pytest.raises(DroidbpfError) as caught:
        plan(name, folder)
    return str(caught.value)


def test_a_folder_is_an_app_of_all_its_sources() -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c", "apps/a/b.bpf.c", "apps/a/b.cc", "apps/a/c.cpp")
    write("apps/a/a.h", "apps/a/.c.c", "apps/a/notes.txt", "apps/a/deep/d.c", "apps/a/SConscript")
    assert plan("a") == Plan(
        folder="apps/a",
        programs=("a.bpf.c", "b.bpf.c"),
        sources=("a.c", "b.cc", "c.cpp"),
        include=("apps/a",),
        script="apps/a/SConscript",
    )
    assert plan("a").cxx == "b.cc"


def test_in_a_flat_folder_an_app_is_the_sources_of_its_name() -> None:
    write("flat/a.bpf.c", "flat/a.c", "flat/a.cpp", "flat/b.bpf.c", "flat/b.c", "flat/c.c")
    assert plan("a", "flat") == Plan(
        folder="flat", programs=("a.bpf.c",), sources=("a.c", "a.cpp"), include=("flat",)
    )
    assert selection.common(selection.layout("flat")) == Plan(
        folder="flat", sources=("c.c",), include=("flat",)
    )


def test_conventions_of_our_apps_and_of_others() -> None:
    write("apps/a/a.bpf.c", "flat/a.bpf.c")
    ours, others = (selection.layout(folder).style for folder in ("apps", "flat"))
    assert (ours.skeleton_suffix, ours.strip) == ("", ("--strip-all",))
    assert (others.skeleton_suffix, others.strip) == ("_bpf", ("--strip-debug",))
    assert "-Wextra" in ours.ccflags
    assert "-Wextra" not in others.ccflags
    assert (ours.cflags, others.cflags) == (("-std=gnu11",), ())


def test_types_of_an_architecture_are_those_of_a_flat_folder() -> None:
    write("flat/a.bpf.c", "flat/a.c", "flat/arm64/vmlinux.h", "flat/x86/vmlinux.h")
    own = plan("a", "flat")
    assert (own.include, own.vmlinux) == (("flat", "flat/arm64"), "flat/arm64/vmlinux.h")
    write("flat/vmlinux.h")
    own = plan("a", "flat")
    assert (own.include, own.vmlinux) == (("flat",), "flat/vmlinux.h")


def test_types_of_one_app_are_not_precompiled() -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c")
    assert plan("a").vmlinux == ""
    write("apps/a/vmlinux.h")
    assert plan("a").vmlinux is None


def test_what_apps_share_is_in_a_folder_beside_them() -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c")
    assert selection.common(selection.layout("apps")) == Plan(folder="apps/_common")
    write("apps/_common/one.c", "apps/_common/two.cc", "apps/_common/one.h", "apps/_common/x.bpf.c")
    shared = selection.common(selection.layout("apps"))
    assert (shared.sources, shared.include) == (("one.c", "two.cc"), ("apps/_common",))


def test_a_missing_side_is_refused() -> None:
    write("apps/a/b.bpf.c", "apps/c/c.bpf.c", "apps/d/d.c")
    assert refused("a") == (
        "error: apps/a has no a.bpf.c\n"
        "hint: an app a needs a.bpf.c and a.c; apps_dir=apps/a builds b"
    )
    assert refused("c") == "error: apps/c has no c.c\nhint: an app needs a user space side"
    assert refused("d").startswith("error: apps/d has no d.bpf.c\n")


@pytest.mark.parametrize("name", ["a$b", "a\nb", "-a", 'a"', "a>", "a\udcffb", ".a", "a/b"])
def test_a_name_that_a_command_cannot_hold_is_refused(name: str) -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c")
    said = refused(name)
    assert said.startswith("error: an app cannot be called ")
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["a\x1b.c", "-a.c", "@a.h", "#a.h", "a\nb.h"])
def test_a_source_that_a_message_or_a_command_cannot_hold_is_refused(name: str) -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c", f"apps/a/{name}")
    assert "a source cannot have such a name" in refused("a")


def test_a_folder_that_cannot_be_read_is_refused() -> None:
    write("apps/a/a.bpf.c")
    layout = selection.layout("apps")
    Path("apps/a/a.bpf.c").unlink()
    Path("apps/a").rmdir()
    with pytest.raises(DroidbpfError, match="cannot read apps/a: No such file or directory"):
        selection.plan("a", layout, "arm64")


def test_what_is_no_file_is_no_source() -> None:
    write("apps/a/a.bpf.c", "apps/a/a.c")
    os.mkfifo("apps/a/SConscript")
    os.mkfifo("apps/a/pipe.c")
    Path("apps/a/gone.c").symlink_to("nowhere")
    Path("apps/a/folder.c").mkdir()
    assert plan("a") == Plan("apps/a", ("a.bpf.c",), ("a.c",), ("apps/a",))
