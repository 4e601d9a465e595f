"""How an NDK is found and what a toolchain is made of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from small_ndk import CLANG, INSTALL, NAME_ONE, PREBUILT, find, refusal, small_ndk
from small_programs import answer, program

import toolchains
from toolchains import bpf
from toolchains.model import Request
from toolchains.ndk import PREBUILT_ARM64
from toolchains.probe import Probes


@pytest.fixture(autouse=True)
def _no_ndk_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_HOME"):
        monkeypatch.delenv(variable, raising=False)


def test_toolchain_is_the_ndks_own_programs(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk")
    found = find(folder)
    bin_ = folder / PREBUILT / "bin"
    assert (found.name, found.arch, found.libc) == ("ndk", "arm64", "bionic")
    assert found.triple == "aarch64-linux-android"
    assert found.version == "r27c (27.2.12479018), API 31, clang version 18.0.3"
    assert found.cc == (str(bin_ / "clang"), "--target=aarch64-linux-android31")
    assert found.cxx == (str(bin_ / "clang++"), "--target=aarch64-linux-android31")
    assert found.ar == (str(bin_ / "llvm-ar"),)
    assert found.objcopy == (str(bin_ / "llvm-objcopy"),)
    assert found.bpf_clang == (str(bin_ / "clang"),)
    assert found.static == ("-static", "--target=aarch64-linux-android35")
    assert found.dynamic[0] == "-pie"
    assert "-D__BIONIC_NO_PAGE_SIZE_MACRO" in found.ccflags
    assert found.linkflags == ("-fuse-ld=lld", "-Wl,-z,max-page-size=16384")


def test_x86_64_is_a_target_too(tmp_path: Path) -> None:
    found = find(small_ndk(tmp_path / "ndk"), api="28", arch="x86_64")
    assert found.triple == "x86_64-linux-android"
    assert found.cc[1] == "--target=x86_64-linux-android28"


def test_programs_are_those_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_ndk(tmp_path / "ndk")
    arm64 = folder / PREBUILT_ARM64
    shutil.copytree(folder / PREBUILT, arm64)
    for machine, prebuilt in (("x86_64", folder / PREBUILT), ("aarch64", arm64)):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        assert find(folder).cc[0] == str(prebuilt / "bin/clang")
    shutil.rmtree(arm64)
    assert find(folder).cc[0] == str(folder / PREBUILT / "bin/clang")  # by qemu's emulator


@pytest.mark.parametrize(
    "part",
    [
        "source.properties",
        f"{PREBUILT}/bin/clang",
        f"{PREBUILT}/bin/ld.lld",
        f"{PREBUILT}/sysroot/usr/lib/aarch64-linux-android/libc.a",
    ],
)
def test_changed_part_is_another_toolchain(tmp_path: Path, part: str) -> None:
    folder = small_ndk(tmp_path / "ndk")
    before = find(folder).identity
    with (folder / part).open("a") as file:
        file.write("\n")
    assert find(folder).identity != before


@pytest.mark.parametrize("api", ["24", "28", "31", "35"])
def test_static_programs_are_linked_for_the_level_of_libc_a(tmp_path: Path, api: str) -> None:
    """What begins a program of another level does not go with it: for arm64, it aborts."""
    found = find(small_ndk(tmp_path / "ndk"), api=api)
    assert (found.cc[1], *found.static) == (
        f"--target=aarch64-linux-android{api}",
        "-static",
        "--target=aarch64-linux-android35",
    )
    assert [flag for flag in found.dynamic or () if flag.startswith("--target")] == []


def test_another_api_is_another_toolchain(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk")
    assert find(folder, api="30").identity != find(folder).identity
    assert find(folder, api="31") == find(folder)


def test_ndk_is_found_by_the_first_place_that_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {}
    for name in ("sdk/ndk/27.2.12479018", "root", "home", "option"):
        places[name] = small_ndk(tmp_path / name)
        if name == "sdk/ndk/27.2.12479018":
            monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
        elif name != "option":
            monkeypatch.setenv(f"ANDROID_NDK_{name.upper()}", str(places[name]))
        clang = find(places[name] if name == "option" else "").cc[0]
        assert clang == str(places[name] / PREBUILT / "bin/clang")


def test_newest_ndk_of_the_sdk_is_by_number_not_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.9.9", "25.2.9519653", "25.10.1", "100.0.1"):
        small_ndk(tmp_path / "ndk" / version, f"Pkg.Revision = {version}")
    (tmp_path / "ndk/200.0.1").mkdir()  # what an interrupted sdkmanager leaves
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    assert find().version.startswith("r100 (100.0.1)")


def test_auto_takes_an_ndk_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small_ndk(tmp_path / "ndk")
    probes = Probes(tmp_path / "probes.json", os.environ["PATH"])
    assert toolchains.pick("auto", "arm64", probes, Request(ndk=str(folder))).name == "ndk"
    monkeypatch.setenv("ANDROID_NDK_ROOT", str(folder))
    assert toolchains.pick("auto", "arm64", probes, Request()).name == "ndk"


def test_no_ndk_is_reported_with_the_places() -> None:
    assert refusal() == (
        "error: no Android NDK was found: not by ndk=, ANDROID_NDK_HOME, ANDROID_NDK_ROOT,"
        f" ANDROID_HOME/ndk\nhint: {NAME_ONE}"
    )


def test_folder_that_is_no_ndk_is_reported_with_what_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = f"hint: an NDK's folder holds source.properties and toolchains; {INSTALL}"
    said = "is no NDK: it has no source.properties"
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "loop", tmp_path / "file", "~no such user/ndk"):
        assert refusal(path) == f"error: ndk={path} {said}\n{hint}"
    monkeypatch.setenv("ANDROID_NDK_HOME", "/nowhere")
    small_ndk(tmp_path / "root")
    monkeypatch.setenv("ANDROID_NDK_ROOT", str(tmp_path / "root"))
    assert refusal() == f"error: ANDROID_NDK_HOME=/nowhere {said}\n{hint}"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("Pkg.Revision = 23.0.7599858", "r23 (23.0.7599858)"),
        ("Pkg.Revision = 23.0.7123448-beta1", "r23-beta1 (23.0.7123448-beta1)"),
        ("Pkg.Revision=25.2.9519653", "r25c (25.2.9519653)"),
        (
            "Pkg.Revision = 29.0.13846066-beta3\nPkg.BaseRevision = 29.0.13846066",
            "r29-beta3 (29.0.13846066-beta3)",
        ),
        ("Pkg.Revision = 31.0.1\r\nPkg.Other = x", "r31 (31.0.1)"),
    ],
)
def test_version_is_of_source_properties(tmp_path: Path, properties: str, said: str) -> None:
    found = find(small_ndk(tmp_path / "ndk", properties))
    assert found.version.partition(", API")[0] == said


def test_bpf_objects_are_made_by_the_ndks_clang_where_it_can(tmp_path: Path, bin_: Path) -> None:
    answer(bin_, "bpftool", "bpftool v7.4.0")
    program(bin_, "clang", CLANG.replace("18.0.3", "19.1.7"))
    found = find(small_ndk(tmp_path / "ndk"))
    there = Probes(tmp_path / "probes.json", str(bin_))
    assert bpf.find(there, found.bpf_clang).clang == found.bpf_clang
    own = found.bpf_clang[0]
    program(
        Path(own).parent,
        "clang",
        "case $1 in --print-targets) ;; *) echo clang version 18.0.3 ;; esac",
    )
    there = Probes(tmp_path / "probes.json", str(bin_))  # of the next start
    assert bpf.find(there, found.bpf_clang).clang == (str(bin_ / "clang"),)
