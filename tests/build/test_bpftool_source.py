"""bpftool from source is built once, for this machine; another one rebuilds what it makes."""

from __future__ import annotations

import hashlib
import lzma
import os
import platform
import re
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from checkout import ARCH, TRIPLE, Result, Tree
from toolbox import in_place_of, real

from btfhub.minimize import relocate
from fetch import pins

BPFTOOL = "build/host-gnu/third_party/bpftool"
BY_BPFTOOL = [
    "apps/hello/hello.bpf.o",
    "apps/hello/hello.skel.h",
    "apps/many/many.bpf.o",
    "apps/many/many.skel.h",
    "apps/many/second.bpf.o",
    "apps/many/second.skel.h",
    f"vmlinux/{ARCH}/vmlinux.h",
]
OBJECTS = ["btf", "common", "gen", "json_writer", "main"]
PINS = "third_party/sources.toml"
EM_X86_64, EM_AARCH64 = 62, 183  # <elf.h>


@pytest.fixture
def sourced(with_own_bpftool: Tree, tmp_path: Path) -> Tree:
    """A tree of the test's own that was built with bpftool=source."""
    return with_own_bpftool.copy(tmp_path / "sourced")


def test_what_bpftool_makes_is_made_by_the_one_from_source(build_of_bpftool: Result) -> None:
    made = build_of_bpftool.bpf_and_apps
    assert set(BY_BPFTOOL) <= set(made)
    runs = [c for c in build_of_bpftool.commands if os.path.basename(c[0]) == "bpftool"]  # noqa: PTH119
    assert len(runs) == len(BY_BPFTOOL)
    assert {command[0] for command in runs} == {BPFTOOL}


def test_bpftool_is_compiled_for_this_machine_and_for_no_target(
    with_own_bpftool: Tree, build_of_bpftool: Result
) -> None:
    commands = [c for c in build_of_bpftool.commands if "build/host-gnu/" in " ".join(c)]
    compilers = {command[0] for command in commands} - {BPFTOOL}
    assert compilers == {real(f"{platform.machine()}-linux-gnu-{name}") for name in ("gcc", "ar")}
    assert not [c for c in commands if TRIPLE in " ".join(c)]
    # And nothing of the target's libraries is compiled anew.
    own = [c for c in build_of_bpftool.commands if f"{ARCH}-gnu/third_party" in " ".join(c)]
    assert [c for c in own if c[-1].endswith(".c")] == []
    with (with_own_bpftool.path / BPFTOOL).open("rb") as file:
        machine = struct.unpack_from("<H", file.read(20), 18)[0]
    assert machine == {"x86_64": EM_X86_64, "aarch64": EM_AARCH64}[platform.machine()]
    said = subprocess.check_output([with_own_bpftool.path / BPFTOOL, "version"], text=True)
    assert said.startswith("bpftool v7.5.0\n")


def test_second_build_does_nothing_and_the_machines_bpftool_makes_all_of_it_again(
    sourced: Tree,
) -> None:
    sourced.assert_up_to_date("bpftool=source")
    assert set(BY_BPFTOOL) <= set(sourced.scons().made)


def test_bpftool_is_built_where_none_is_found(sourced: Tree) -> None:
    """In a tree built with bpftool=source that is: it is the same, and there is nothing to do."""
    hidden = in_place_of("bpftool", os.devnull)
    assert sourced.scons(prefix=hidden).commands == []
    (sourced.path / BPFTOOL).unlink()
    assert sourced.scons(prefix=hidden).made == ["third_party/bpftool"]


def test_bpftool_is_the_same_for_every_mode_and_link(sourced: Tree) -> None:
    for options in (["mode=debug"], ["link=dynamic"], ["ARCH=x86_64"]):
        result = sourced.scons("bpftool=source", *options, BPFTOOL)
        assert result.commands == [], options


def test_comment_in_what_compiles_bpftool_stops_at_equal_bytes(sourced: Tree) -> None:
    sourced.append("third_party/bpftool/attributes.h", "/* the end */\n")
    made = sourced.scons("bpftool=source").made
    assert made == [f"third_party/bpftool.objects/{name}.o" for name in OBJECTS]


def _upstreams_archive(tree: Tree, path: Path, *, edit: tuple[str, str, str]) -> None:
    """Pack the sources as upstream does, with one file edited."""
    folder = path.parent / "bpftool-7.5.0"
    shutil.copytree(tree.build / "third_party/bpftool-7.5.0", folder)
    name, old, new = edit
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)


def test_changed_pin_builds_another_bpftool_and_all_that_it_makes(
    sourced: Tree, tmp_path: Path
) -> None:
    pin = pins.load(sourced.path / PINS)["bpftool"]
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    version = ('"%s v%d.%d.%d\\n"', '"%s v%d.%d.%d of the test\\n"')
    _upstreams_archive(sourced, mirror / pin.filename, edit=("src/main.c", *version))
    content = (mirror / pin.filename).read_bytes()
    sourced.edit(PINS, pin.sha256, hashlib.sha256(content).hexdigest())
    sourced.edit(PINS, pin.alternatives[0].sha256, "0" * 64)
    options = ("bpftool=source", f"mirror={mirror}", "offline=1")
    env = {"DROIDBPF_CACHE": f"{tmp_path}/cache"}
    result = sourced.scons(*options, env=env)
    changed = ["third_party/bpftool", "third_party/bpftool.objects/main.o"]
    assert result.made == [*BY_BPFTOOL[:-1], *changed, BY_BPFTOOL[-1]]
    said = subprocess.check_output([sourced.path / BPFTOOL, "version"], text=True)
    assert re.match(r"bpftool v7\.5\.0 of the test\n", said)
    sourced.assert_up_to_date(*options, env=env)


def test_minimized_btf_of_a_kernel_waits_for_bpftool_and_depends_on_it(
    sourced: Tree, tmp_path: Path
) -> None:
    kernel = tmp_path / "5.10.43-android12-9-x.btf"
    kernel.write_bytes(lzma.decompress((sourced.path / f"vmlinux/{ARCH}.btf.xz").read_bytes()))
    options = ("bpftool=source", f"kernels={kernel}", "app=hello")
    minimized = sourced.app("hello") / "btf" / f"{kernel.stem}.btf"
    assert f"  MINBTF   {minimized.relative_to(sourced.path)}\n" in sourced.scons(*options).out
    sourced.assert_up_to_date(*options)
    define = "BPFTOOL_VERSION='\\\"9\\\"'"
    sourced.edit("third_party/bpftool/SConscript", '"BOOTSTRAP"]', f'"BOOTSTRAP", "{define}"]')
    result = sourced.scons(*options)
    assert "  MINBTF " in result.out
    assert "third_party/bpftool" in result.made


def test_it_minimizes_as_the_machines_bpftool_does(with_own_bpftool: Tree, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.btf"
    packed = with_own_bpftool.path / f"vmlinux/{ARCH}.btf.xz"
    kernel.write_bytes(lzma.decompress(packed.read_bytes()))
    objects = [with_own_bpftool.app("hello") / "hello.bpf.o"]
    theirs = relocate(objects, kernel.read_bytes(), "", real("bpftool"))[1]
    own = str(with_own_bpftool.path / BPFTOOL)
    assert relocate(objects, kernel.read_bytes(), "", own)[1] == theirs
    assert 0 < len(theirs) < 2000
