"""How the distribution's musl is found, and how its sysroot is made of pinned packages."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_programs import program

import toolchains
from base.errors import DroidbpfError
from base.settings import Settings
from toolchains import musl
from toolchains.model import Request
from toolchains.probe import Probes

CLANG = (
    "case $1 in --print-targets) echo '  aarch64 - A'; echo '  bpf - B' ;;"
    " *) echo clang version 19.1.7 ;; esac"
)
OR_ZIG = (
    "; or, without the distribution's packages, install it: pip install -r requirements-zig.lock,"
    " or run ./dev --no-root COMMAND…"
)


@pytest.fixture
def probes(tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch) -> Probes:
    """A machine that has nothing, whose cache is empty."""
    without = [folder for folder in sys.path if not Path(folder, "ziglang").exists()]
    monkeypatch.setattr(sys, "path", without)
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    return Probes(tmp_path / "probes.json", str(bin_))


@pytest.fixture
def programs(bin_: Path) -> None:
    for name in ("ld.lld-19", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-ar"):
        program(bin_, name)
    program(bin_, "clang-19", CLANG)


def refused(probes: Probes) -> str:
    with pytest.raises(DroidbpfError) as caught:
        musl.find("arm64", probes, Request())
    return str(caught.value)


def test_finding_it_needs_no_network_and_writes_nothing(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("PATH", str(bin_))  # which has no apt
    found = musl.find("arm64", probes, Request())
    assert (found.name, found.libc, found.triple) == ("musl", "musl", "aarch64-linux-musl")
    assert found.cc == (
        str(bin_ / "clang-19"),
        "-target",
        "aarch64-linux-musl",
        "--sysroot=build/musl/arm64",
    )
    assert found.cxx == ()
    assert found.ar == (str(bin_ / "aarch64-linux-gnu-ar"),)
    assert found.linkflags == (f"--ld-path={bin_}/ld.lld-19", "-Wl,-z,max-page-size=16384")
    assert found.version == "clang version 19.1.7"
    assert [*Path().iterdir()] == []
    assert not (tmp_path / "cache").exists()


def test_sysroot_is_known_by_the_hashes_of_its_packages(
    tmp_path: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = musl.find("arm64", probes, Request())
    other = tmp_path / "musl.toml"
    other.write_text(musl.PINS.read_text().replace('sha256 = "', 'sha256 = "0', 1))
    monkeypatch.setattr(musl, "PINS", other)
    second = musl.find("arm64", probes, Request())
    assert first.set_up
    assert second.set_up
    assert first.set_up.key in first.identity.split()
    assert second.set_up.key in second.identity.split()
    assert first.set_up.key != second.set_up.key
    assert first.headers == (("build/musl/arm64/include",), first.set_up.key)


@pytest.mark.parametrize("arch", toolchains.ARCHES)
def test_sysroot_of_the_pinned_packages_is_whole(
    arch: str, tmp_path: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DROIDBPF_CACHE")
    found = replace(musl.find("arm64", probes, Request()), arch=arch)
    monkeypatch.chdir(tmp_path)
    sysroot = Path(f"build/musl/{arch}")
    (sysroot / "include").mkdir(parents=True)
    (sysroot / "include/left.h").touch()  # by a step that was interrupted
    try:
        toolchains.set_up(found, Settings.from_environment())
    except DroidbpfError as error:
        pytest.skip(error.message)
    machine = musl.ARCH_TABLE[arch][0]
    for name in (
        *("lib/libc.a", "lib/crt1.o", "lib/crti.o", "lib/crtn.o"),
        *(f"lib/gcc/{machine}-linux-musl/12/{name}" for name in musl.STARTUP),
        *("include/stdio.h", "include/linux/bpf.h", "include/asm/types.h"),
    ):
        assert (sysroot / name).stat().st_size, name
    assert not (sysroot / "include/left.h").exists()


def test_packages_that_cannot_be_obtained_leave_no_sysroot(
    tmp_path: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = musl.find("arm64", probes, Request())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DroidbpfError, match=r"(?s)musl-dev.*linux-libc-dev.*libgcc-12-dev"):
        toolchains.set_up(found, Settings(tmp_path / "cache", offline=True))
    assert not Path("build").exists()


def test_linker_may_be_that_of_binutils(bin_: Path, probes: Probes, programs: None) -> None:
    (bin_ / "ld.lld-19").unlink()
    found = musl.find("arm64", probes, Request())
    assert found.linkflags[0] == f"--ld-path={bin_}/aarch64-linux-gnu-ld"


def test_missing_linker_is_reported(bin_: Path, probes: Probes) -> None:
    program(bin_, "clang-19", CLANG)
    assert refused(probes) == (
        "error: the musl toolchain for arm64 lacks a linker (ld.lld, aarch64-linux-gnu-ld)\n"
        "hint: install it: apt-get install lld-19 llvm-19" + OR_ZIG
    )


def test_clang_without_the_target_is_reported(bin_: Path, probes: Probes) -> None:
    path = program(bin_, "clang", CLANG.replace("aarch64", "x86-64"))
    assert refused(probes).startswith(f"error: {path} is a clang without the target aarch64\n")


def test_zig_is_taken_where_there_is_no_clang(tmp_path: Path, bin_: Path, probes: Probes) -> None:
    (bin_ / "lib/libc/musl").mkdir(parents=True)
    program(bin_, "zig", "echo 0.14.1")
    assert musl.find("arm64", probes, Request()).name == "zig"
    assert toolchains.pick("auto", "arm64", probes, Request()).name == "zig"


def test_auto_takes_musl_where_there_is_no_gcc(probes: Probes, programs: None) -> None:
    assert toolchains.pick("auto", "arm64", probes, Request()).name == "musl"


def test_auto_shows_of_a_gnu_toolchain_that_is_not_whole(
    bin_: Path, probes: Probes, programs: None
) -> None:
    program(bin_, "aarch64-linux-gnu-gcc")
    (bin_ / "aarch64-linux-gnu-ar").unlink()
    with pytest.raises(DroidbpfError, match="lacks aarch64-linux-gnu-ar\n"):
        toolchains.pick("auto", "arm64", probes, Request())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("usr/include/aarch64-linux-musl/sys/stat.h", "include/sys/stat.h"),
        ("usr/include/aarch64-linux-gnu/asm/unistd.h", "include/asm/unistd.h"),
        ("usr/include/linux/bpf.h", "include/linux/bpf.h"),
        ("usr/lib/aarch64-linux-musl/crt1.o", "lib/crt1.o"),
        ("usr/lib/aarch64-linux-musl/musl-gcc.specs", ""),
        (
            "usr/lib/gcc/aarch64-linux-gnu/12/crtbeginT.o",
            "lib/gcc/aarch64-linux-musl/12/crtbeginT.o",
        ),
        ("usr/lib/gcc/aarch64-linux-gnu/12/libasan.a", ""),
        ("usr/lib/gcc/aarch64-linux-gnu/12/include/stddef.h", ""),
        ("usr/share/doc/musl-dev/copyright", ""),
        ("usr/bin/aarch64-linux-musl-gcc", ""),
    ],
)
def test_each_file_of_the_packages_has_its_place(path: str, place: str) -> None:
    assert musl._place(path, "aarch64") == place
