"""Programs by an NDK: the one of $DROIDBPF_TEST_NDK, or a folder of its shape."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from checkout import Result, Tree
from elftools.elf.elffile import ELFFile

import toolchains
from toolchains.model import Request
from toolchains.ndk import PREBUILT

PAGE = 16384
SYSTEM_LIBRARIES = {"libc.so", "libm.so", "libdl.so"}
VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_HOME")


def scons(tree: Tree, ndk: Path, *args: str) -> Result:
    return tree.scons("toolchain=ndk", f"ndk={ndk}", *args)


def program(tree: Tree, name: str) -> Path:
    return tree.build / "arm64-ndk/apps" / name / name


def look(path: Path) -> dict[str, Any]:
    """Return the facts that a phone's loader sees in a program."""
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
            "tls": {s["p_align"] for s in segments if s["p_type"] == "PT_TLS"},
            "sections": {section.name for section in elf.iter_sections()},
        }


def test_static_program_needs_nothing_of_the_phone(ndk_tree: Tree) -> None:
    seen = look(program(ndk_tree, "hello"))
    assert seen["type"] == ("EM_AARCH64", "ET_EXEC")
    assert (seen["loader"], seen["dynamic"]) == ([], False)
    assert seen["aligned"] == {PAGE}
    assert ".symtab" not in seen["sections"]
    debug = look(program(ndk_tree, "hello").with_name("hello.debug"))
    assert {".debug_info", ".symtab"} <= debug["sections"]


def test_no_product_shows_where_the_ndk_was(ndk_tree: Tree, ndk: Path) -> None:
    secret = os.fsencode(ndk)
    reported = [n for n in ndk_tree.products() if secret in (ndk_tree.build / n).read_bytes()]
    assert reported == []


def test_dynamic_program_needs_androids_loader_and_its_libraries_alone(
    ndk_tree: Tree, ndk: Path
) -> None:
    result = scons(ndk_tree, ndk, "link=dynamic", "hello")
    assert result.made == ["arm64-ndk/apps/hello/hello"]
    assert "warning" not in result.out + result.err
    seen = look(program(ndk_tree, "hello"))
    assert seen["type"] == ("EM_AARCH64", "ET_DYN")
    assert seen["loader"] == ["/system/bin/linker64"]
    assert "libc.so" in seen["needed"]
    assert seen["needed"] <= SYSTEM_LIBRARIES
    assert seen["paths"] == []
    assert seen["aligned"] == {PAGE}


def test_ndk_of_the_environment_is_taken_and_reported(ndk_tree: Tree, ndk: Path) -> None:
    result = ndk_tree.scons("doctor", env={"ANDROID_NDK_HOME": str(ndk)})
    name = r"ndk for arm64, r\d+[a-z]?\S* \(\d+\.\d+\.\d+\S*\), API \d+, clang version [\d.]+"
    clang = re.escape(str(ndk / PREBUILT / "bin/clang"))
    target = r"--target=aarch64-linux-android\d+"
    assert re.search(rf"^ok    target compiler: {name} \({clang} {target}\)$", result.out, re.M)


def test_wrong_requests_are_reported(ndk_tree: Tree, ndk: Path) -> None:
    for variable in VARIABLES:
        assert variable not in ndk_tree.environment({})
    assert ndk_tree.scons("toolchain=ndk", status=2).err == (
        "error: no Android NDK was found: not by ndk=, ANDROID_NDK_HOME, ANDROID_NDK_ROOT,"
        ' ANDROID_HOME/ndk\nhint: install one: sdkmanager "ndk;27.2.12479018", name one: ndk=PATH,'
        " or take toolchain=gnu\n"
    )
    err = ndk_tree.scons("toolchain=ndk", f"ndk={ndk}", "api=20", status=2).err
    assert re.fullmatch(
        r"error: api=20 is none of NDK \S+, which has 24 to \d+ for arm64\n"
        r"hint: give api=24 to api=\d+\n",
        err,
    )


def test_ndk_has_programs_for_x86_64_where_it_is_a_real_one(ndk: Path, tmp_path: Path) -> None:
    if "DROIDBPF_TEST_NDK" not in os.environ:
        pytest.skip("set DROIDBPF_TEST_NDK=PATH to a real NDK")
    probes = toolchains.Probes(tmp_path / "probes.json", os.environ["PATH"])
    found = toolchains.pick("ndk", "x86_64", probes, Request(ndk=str(ndk)))
    assert found.triple == "x86_64-linux-android"


def test_each_step_is_by_the_ndks_programs_and_of_its_api(ndk_tree: Tree, ndk: Path) -> None:
    """Another api is another compiler: all its output is rebuilt, and no BPF object is."""
    bin_ = ndk / PREBUILT / "bin"
    result = scons(ndk_tree, ndk, "api=24", "hello")
    clang = [command for command in result.commands if command[0] == str(bin_ / "clang")]
    assert len(clang) > 100
    assert {command[1] for command in clang} == {"--target=aarch64-linux-android24"}
    others = {command[0] for command in result.commands} - {str(bin_ / "clang")}
    assert others == {str(bin_ / "llvm-ar"), str(bin_ / "llvm-objcopy")}
    assert "arm64-ndk/third_party/libbpf/libbpf.o" in result.made
    assert "arm64-ndk/apps/hello/hello.o" in result.made
    assert [name for name in result.made if name.endswith(".bpf.o")] == []
    assert look(program(ndk_tree, "hello"))["tls"] == {64}  # of less, bionic's programs abort
    ndk_tree.assert_up_to_date("toolchain=ndk", f"ndk={ndk}", "api=24", "hello")
