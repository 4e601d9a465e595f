"""How toolchains are found: by real programs in a folder of their own, old, missing or lying."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_programs import answer, program

import toolchains
from base.errors import DroidbpfError
from toolchains import bpf, gnu
from toolchains.model import Request
from toolchains.probe import Probes, identity


@pytest.fixture
def probes(tmp_path: Path, bin_: Path) -> Probes:
    return Probes(tmp_path / "build" / "probes.json", f"{bin_}:/usr/bin:/bin")


@pytest.fixture
def alone(tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch) -> Probes:
    """Probes that see nothing of the machine, not even the bpftool beside PATH."""
    monkeypatch.setattr(bpf, "SBIN", str(tmp_path / "sbin"))
    monkeypatch.setattr(bpf, "Path", lambda path: Path(f"{tmp_path}{path}"))
    monkeypatch.setattr(bpf, "HOSTS", ("gnu",))  # zig may be a Python package
    return Probes(tmp_path / "probes.json", str(bin_))


def gnu_folder(bin_: Path, *, without: str = "", libc: str = "/usr/lib/libc.a") -> None:
    for name in ("gcc", "ar", "objcopy", "g++", "as", "ld", "cc1", "cc1plus"):
        if name != without:
            program(
                bin_,
                f"aarch64-linux-gnu-{name}",
                'case $1 in\n-no-canonical-prefixes) echo "gcc version 12.0"; echo more ;;\n'
                f"-print-file-name=libc.a) echo {libc} ;;\n"
                "-print-prog-name=*) echo aarch64-linux-gnu-${1#*=} ;;\nesac",
            )


def test_gnu_shows_what_it_found(tmp_path: Path, bin_: Path) -> None:
    libc = tmp_path / "libc.a"
    libc.write_text("!<arch>\n")
    gnu_folder(bin_, libc=str(libc))
    found = gnu.find("arm64", Probes(tmp_path / "probes.json", str(bin_)), Request())
    assert (found.name, found.arch, found.triple) == ("gnu", "arm64", "aarch64-linux-gnu")
    assert found.cc == (str(bin_ / "aarch64-linux-gnu-gcc"),)
    assert found.cxx == (str(bin_ / "aarch64-linux-gnu-g++"),)
    assert found.version == "gcc version 12.0"
    assert "-Wl,-z,max-page-size=16384" in found.linkflags
    for part in ("gcc", "ar", "objcopy", "as", "ld", "cc1"):
        assert f"{bin_}/aarch64-linux-gnu-{part}=" in found.identity
    assert f"{bin_}/aarch64-linux-gnu-g++=" not in found.identity  # of C++ alone
    for part in ("g++", "cc1plus"):
        assert f"{bin_}/aarch64-linux-gnu-{part}=" in found.cxx_identity
    assert identity(str(libc)) in found.identity


def test_gnu_needs_no_compiler_of_cpp(tmp_path: Path, bin_: Path) -> None:
    (tmp_path / "libc.a").touch()
    gnu_folder(bin_, without="g++", libc=str(tmp_path / "libc.a"))
    assert gnu.find("arm64", Probes(tmp_path / "probes.json", str(bin_)), Request()).cxx == ()


@pytest.mark.parametrize("name", ["gcc", "ar", "objcopy"])
def test_gnu_shows_what_is_missing(tmp_path: Path, bin_: Path, name: str) -> None:
    gnu_folder(bin_, without=name)
    with pytest.raises(DroidbpfError) as caught:
        gnu.find("arm64", Probes(tmp_path / "probes.json", str(bin_)), Request())
    assert str(caught.value) == (
        f"error: the gnu toolchain for arm64 lacks aarch64-linux-gnu-{name}\n"
        "hint: install it: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    )


def test_gnu_shows_that_the_static_libc_is_missing(tmp_path: Path, bin_: Path) -> None:
    gnu_folder(bin_, libc="libc.a")
    with pytest.raises(DroidbpfError) as caught:
        gnu.find("arm64", Probes(tmp_path / "probes.json", str(bin_)), Request())
    assert caught.value.message == "the gnu toolchain for arm64 lacks a static libc (libc.a)"


def test_gnu_sees_that_the_libc_was_installed_or_removed_since(tmp_path: Path, bin_: Path) -> None:
    """The compiler is the same before and after, and so are its answers that are remembered."""
    libc = tmp_path / "libc.a"
    gnu_folder(bin_, libc=f"$([ -e {libc} ] && echo {libc} || echo libc.a)")

    def find() -> str:
        return gnu.find("arm64", Probes(tmp_path / "probes.json", str(bin_)), Request()).identity

    for _ in range(2):
        with pytest.raises(DroidbpfError, match=r"lacks a static libc \(libc.a\)"):
            find()
        libc.touch()
        assert identity(str(libc)) in find()
        libc.unlink()


def test_a_compiler_of_another_machine_is_not_taken_for_the_target(
    tmp_path: Path, bin_: Path
) -> None:
    """A bare gcc compiles for its own machine only."""
    for name in ("gcc", "ar", "objcopy"):
        program(bin_, name)
    foreign = "arm64" if platform.machine() != "aarch64" else "x86_64"
    with pytest.raises(DroidbpfError):
        gnu.find(foreign, Probes(tmp_path / "probes.json", str(bin_)), Request())


def test_auto_is_the_toolchain_there_is(probes: Probes) -> None:
    try:
        found = toolchains.pick("auto", "arm64", probes, Request())
    except DroidbpfError as error:
        pytest.skip(f"no toolchain for arm64 on this machine: {error.message}")
    assert found == toolchains.pick(found.name, "arm64", probes, Request())


def refused(probes: Probes) -> str:
    """Return the error if a tool for BPF objects is missing."""
    with pytest.raises(DroidbpfError) as caught:
        bpf.find(probes)
    return str(caught.value)


TARGETS = "case $1 in --print-targets) echo '    bpf - BPF' ;; *) echo clang version {} ;; esac"


def test_the_newest_clang_with_the_bpf_target_is_taken(bin_: Path, alone: Probes) -> None:
    answer(bin_, "bpftool", "bpftool v7.4.0")
    program(bin_, "clang", TARGETS.format("9.0.0"))
    program(bin_, "clang-14", TARGETS.format("14.0.6"))
    program(bin_, "clang-19", "case $1 in --print-targets) ;; *) echo clang version 19.1.7 ;; esac")
    tools = bpf.find(alone)
    assert tools.clang == (str(bin_ / "clang-14"),)
    assert tools.clang_version == (14, 0, 6)
    assert tools.bpftool == str(bin_ / "bpftool")
    assert tools.bpftool_version == (7, 4, 0)


@pytest.mark.parametrize("version", ["11.0.0", "19.1.7", "21.0.0git"])
def test_a_clang_from_11_on_will_do(bin_: Path, alone: Probes, version: str) -> None:
    answer(bin_, "bpftool", "bpftool v7.0.0")
    program(bin_, "clang", TARGETS.format(version))
    assert bpf.find(alone).clang == (str(bin_ / "clang"),)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("clang version 10.0.1", "is clang 10.0.1, too old for CO-RE BPF objects"),
        ("what?", "is clang of an unknown version, too old for CO-RE BPF objects"),
        ("clang version 18.0.0", "is a clang without the BPF target"),
    ],
)
def test_a_clang_that_will_not_do_is_reported(
    bin_: Path, alone: Probes, said: str, message: str
) -> None:
    path = answer(bin_, "clang", said)
    assert refused(alone) == (
        f"error: {path} {message}\n"
        "hint: install it: apt-get install clang-19 (or any clang from 11 on)"
    )


def test_no_clang_is_reported(alone: Probes) -> None:
    assert refused(alone).startswith("error: no clang was found to compile BPF objects\nhint: ")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo bpftool v6.8.12", "is bpftool 6.8.12, too old; 7.0 or newer is needed"),
        ("exit 1", "is a bpftool that does not run; 7.0 or newer is needed"),
    ],
)
def test_a_bpftool_that_will_not_do_is_reported(
    bin_: Path, alone: Probes, script: str, message: str
) -> None:
    program(bin_, "clang", TARGETS.format("19"))
    path = program(bin_, "bpftool", script)
    assert refused(alone) == (
        f"error: {path} {message}\n"
        "hint: install it: apt-get install bpftool (Ubuntu: linux-tools-generic); "
        "or a compiler that builds it: apt-get install gcc libc6-dev, or use ./dev --no-root"
    )


def test_no_bpftool_is_reported(bin_: Path, alone: Probes) -> None:
    program(bin_, "clang", TARGETS.format("19"))
    assert refused(alone).startswith("error: no bpftool was found to make skeletons\nhint: ")


def compiler_of_this_machine(tmp_path: Path, bin_: Path) -> None:
    libc = tmp_path / "libc.a"
    libc.write_text("!<arch>\n")
    program(bin_, "gcc", f"case $1 in -print-file-name=libc.a) echo {libc} ;; *) echo gcc ;; esac")
    answer(bin_, "ar", "ar")
    answer(bin_, "objcopy", "objcopy")


@pytest.mark.parametrize("script", ["", "echo bpftool v6.8.12", "exit 1"])
def test_without_a_good_bpftool_one_is_to_be_built_for_this_machine(
    tmp_path: Path, bin_: Path, alone: Probes, script: str
) -> None:
    program(bin_, "clang", TARGETS.format("19"))
    if script:
        program(bin_, "bpftool", script)
    compiler_of_this_machine(tmp_path, bin_)
    tools = bpf.find(alone)
    assert (tools.bpftool, tools.bpftool_version, tools.bpftool_identity) == ("", (), "")
    assert tools.host
    assert (tools.host.name, tools.host.cc) == ("gnu", (str(bin_ / "gcc"),))
    assert tools.host.triple.startswith(platform.machine())


def test_a_bpftool_from_source_is_built_where_there_is_a_good_one(
    tmp_path: Path, bin_: Path, alone: Probes
) -> None:
    program(bin_, "clang", TARGETS.format("19"))
    answer(bin_, "bpftool", "bpftool v7.4.0")
    with pytest.raises(DroidbpfError, match="this machine has no compiler for itself"):
        bpf.find(alone, bpftool="source")
    compiler_of_this_machine(tmp_path, bin_)
    assert bpf.find(alone, bpftool="source").bpftool == ""
    tools = bpf.find(alone)
    assert (tools.bpftool, tools.host) == (str(bin_ / "bpftool"), None)


def test_bpftool_is_found_where_distributions_hide_it(
    tmp_path: Path, bin_: Path, alone: Probes
) -> None:
    """Debian: /usr/sbin, not in a user's PATH. Ubuntu: behind a wrapper that may fail."""
    program(bin_, "clang", TARGETS.format("19"))
    program(bin_, "bpftool", "echo WARNING: bpftool not found for kernel >&2; exit 2")
    hidden = tmp_path / "usr/lib/linux-tools-6.8.0-40"
    hidden.mkdir(parents=True)
    answer(hidden, "bpftool", "bpftool v7.4.0")
    assert bpf.find(alone).bpftool == str(hidden / "bpftool")
    (tmp_path / "sbin").mkdir()
    answer(tmp_path / "sbin", "bpftool", "bpftool v7.1.0")
    assert bpf.find(alone).bpftool == str(tmp_path / "sbin" / "bpftool")


def test_tools_of_this_machine_are_found_in_20_ms_when_known(tmp_path: Path) -> None:
    probes = Probes(tmp_path / "probes.json", os.environ["PATH"])
    try:
        bpf.find(probes)
    except DroidbpfError as error:
        pytest.skip(error.message)
    probes.save()
    began = time.process_time()
    bpf.find(Probes(tmp_path / "probes.json", os.environ["PATH"]))
    assert time.process_time() - began < 0.02


def test_importing_toolchains_loads_nothing_heavy() -> None:
    code = "import sys, toolchains; print(*sys.modules)"
    root = Path(toolchains.__file__).parents[1]
    out = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    assert not {"requests", "tqdm", "tarfile", "elftools", "SCons"} & set(out.split())


@pytest.mark.parametrize(
    ("name", "option"), [("auto", "api"), ("gnu", "ndk"), ("gnu", "api"), ("zig", "api")]
)
def test_what_is_for_an_ndk_is_refused_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    for variable in toolchains.NDK_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    probes = Probes(tmp_path / "probes.json", os.environ["PATH"])
    with pytest.raises(DroidbpfError) as caught:
        toolchains.pick(name, "arm64", probes, Request(**{option: "29"}))
    assert str(caught.value) == (
        f"error: {option}=29 is for an Android NDK only\nhint: leave it out, or use toolchain=ndk"
    )
