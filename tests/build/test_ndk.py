"""Programs by an NDK: the one of $DROIDBPF_TEST_NDK, or a folder of its shape."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ndk_shape
import pytest
from checkout import ROOT, Result, Tree, check_out
from elftools.elf.elffile import ELFFile

import toolchains
from fetch.errors import DroidbpfError
from toolchains.model import Request
from toolchains.ndk import PREBUILT
from vm import kernels, machine, qemu

PAGE = 16384
SYSTEM_LIBRARIES = {"libc.so", "libm.so", "libdl.so"}
VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_HOME")


@pytest.fixture(scope="session")
def ndk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    try:
        return ndk_shape.given_or_made(shared)
    except DroidbpfError as error:
        pytest.skip(f"no NDK, and none can be made: {error.message}")


@pytest.fixture(scope="module")
def built(ndk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A tree whose app hello is built by the NDK."""
    tree = check_out(tmp_path_factory.mktemp("ndk") / "tree")
    scons(tree, ndk, "hello")
    yield tree
    shutil.rmtree(tree.path)


def scons(tree: Tree, ndk: Path, *args: str) -> Result:
    return tree.scons("toolchain=ndk", f"ndk={ndk}", *args)


def program(tree: Tree, name: str) -> Path:
    return tree.build / "arm64-ndk/apps" / name / name


def look(path: Path) -> dict[str, Any]:
    """Give what a phone's loader sees of a program."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        segments = list(elf.iter_segments())
        dynamic = [s for s in segments if s["p_type"] == "PT_DYNAMIC"]
        tags = [tag for segment in dynamic for tag in segment.iter_tags()]
        return {
            "type": (elf["e_machine"], elf["e_type"]),
            "loader": [s.get_interp_name() for s in segments if s["p_type"] == "PT_INTERP"],
            "dynamic": bool(dynamic),
            "needed": {tag.needed for tag in tags if tag["d_tag"] == "DT_NEEDED"},
            "paths": [t for t in tags if t["d_tag"] in ("DT_RPATH", "DT_RUNPATH", "DT_TEXTREL")],
            "aligned": {s["p_align"] for s in segments if s["p_type"] == "PT_LOAD"},
            "sections": {section.name for section in elf.iter_sections()},
        }


def test_static_program_needs_nothing_of_the_phone(built: Tree) -> None:
    seen = look(program(built, "hello"))
    assert seen["type"] == ("EM_AARCH64", "ET_EXEC")
    assert (seen["loader"], seen["dynamic"]) == ([], False)
    assert seen["aligned"] == {PAGE}
    assert ".symtab" not in seen["sections"]
    debug = look(program(built, "hello").with_name("hello.debug"))
    assert {".debug_info", ".symtab"} <= debug["sections"]


def test_no_product_tells_where_the_ndk_was(built: Tree, ndk: Path) -> None:
    secret = os.fsencode(ndk)
    told = [n for n in built.products() if secret in (built.build / n).read_bytes()]
    assert told == []


def test_dynamic_program_needs_androids_loader_and_its_libraries_alone(
    built: Tree, ndk: Path
) -> None:
    result = scons(built, ndk, "link=dynamic", "hello")
    assert result.made == ["arm64-ndk/apps/hello/hello"]
    assert "warning" not in result.out + result.err
    seen = look(program(built, "hello"))
    assert seen["type"] == ("EM_AARCH64", "ET_DYN")
    assert seen["loader"] == ["/system/bin/linker64"]
    assert "libc.so" in seen["needed"]
    assert seen["needed"] <= SYSTEM_LIBRARIES
    assert seen["paths"] == []
    assert seen["aligned"] == {PAGE}


def test_ndk_of_the_environment_is_taken_and_told(built: Tree, ndk: Path) -> None:
    result = built.scons("doctor", env={"ANDROID_NDK_HOME": str(ndk)})
    name = r"ndk for arm64, r\d+[a-z]?\S* \(\d+\.\d+\.\d+\S*\), API \d+, clang version [\d.]+"
    clang = re.escape(str(ndk / PREBUILT / "bin/clang"))
    target = r"--target=aarch64-linux-android\d+"
    assert re.search(rf"^ok    target compiler: {name} \({clang} {target}\)$", result.out, re.M)


def test_wrong_requests_are_told(built: Tree, ndk: Path) -> None:
    for variable in VARIABLES:
        assert variable not in built.environment({})
    assert built.scons("toolchain=ndk", status=2).err == (
        "error: no Android NDK was found: not by ndk=, ANDROID_NDK_HOME, ANDROID_NDK_ROOT,"
        ' ANDROID_HOME/ndk\nhint: install one: sdkmanager "ndk;27.2.12479018", name one: ndk=PATH,'
        " or take toolchain=gnu\n"
    )
    err = built.scons("toolchain=ndk", f"ndk={ndk}", "api=20", status=2).err
    assert re.fullmatch(
        r"error: api=20 is none of NDK \S+, which has 21 to \d+ for arm64\n"
        r"hint: give api=21 to api=\d+\n",
        err,
    )


def test_ndk_has_programs_for_x86_64_where_it_is_a_real_one(ndk: Path, tmp_path: Path) -> None:
    if "DROIDBPF_TEST_NDK" not in os.environ:
        pytest.skip("set DROIDBPF_TEST_NDK=PATH to a real NDK")
    probes = toolchains.Probes(tmp_path / "probes.json", os.environ["PATH"])
    found = toolchains.pick("ndk", "x86_64", probes, Request(ndk=str(ndk)))
    assert found.triple == "x86_64-linux-android"


def test_static_programs_run_on_linux_510(built: Tree, ndk: Path) -> None:
    try:
        qemu.find()
        kernel = kernels.kernel("5.10")
    except DroidbpfError as error:
        pytest.skip(f"no kernel 5.10 here: {error.message}")
    apps = ("syscall_mon", "proc_mon")
    scons(built, ndk, "hello")
    scons(built, ndk, f"apps_dir={ROOT / 'apps'}", f"app={','.join(apps)}")
    files = {f"/bin/{name}": program(built, name) for name in ("hello", *apps)}
    commands = [
        ["/bin/hello"],
        ["/bin/syscall_mon", "-c", "ls", "-n", "25", "-d", "10"],
        ["/bin/proc_mon", "-n", "16", "-d", "10"],
    ]
    results = machine.run(kernel, commands, files, workload=machine.DEMO_WORKLOAD).commands
    assert [(r.status, r.stderr) for r in results] == [(0, b"")] * 3
    assert results[0].stdout == b"apps/hello/hello.c: 1 program, nested 1\n"
    lines = results[1].stdout.decode().splitlines()
    assert len(lines) == 25
    assert all(" comm=ls syscall_number=" in line for line in lines)
    assert len(results[2].stdout.splitlines()) >= 16


def test_each_step_is_by_the_ndks_programs_and_of_its_api(built: Tree, ndk: Path) -> None:
    """Another api is another compiler: all that it made is made anew, and no BPF object is."""
    bin_ = ndk / PREBUILT / "bin"
    result = scons(built, ndk, "api=24", "hello")
    clang = [command for command in result.commands if command[0] == str(bin_ / "clang")]
    assert len(clang) > 100
    assert {command[1] for command in clang} == {"--target=aarch64-linux-android24"}
    others = {command[0] for command in result.commands} - {str(bin_ / "clang")}
    assert others == {str(bin_ / "llvm-ar"), str(bin_ / "llvm-objcopy")}
    assert "arm64-ndk/third_party/libbpf/libbpf.o" in result.made
    assert "arm64-ndk/apps/hello/hello.o" in result.made
    assert [name for name in result.made if name.endswith(".bpf.o")] == []
    built.assert_up_to_date("toolchain=ndk", f"ndk={ndk}", "api=24", "hello")
