"""How the distribution's musl is found: programs, an installed sysroot, one of the cache, none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from small_programs import program

import toolchains
from base.errors import DroidbpfError
from toolchains import musl
from toolchains.model import Request
from toolchains.probe import Probes

CLANG = (
    "case $1 in --version) echo clang version 19.1.7 ;;"
    " *) echo '  aarch64 - A'; echo '  bpf - B' ;; esac"
)
OR_ZIG = (
    "; or, without the distribution's packages, install it: pip install -r requirements-zig.lock,"
    " or run ./dev --no-root COMMAND…"
)


@pytest.fixture
def probes(tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch) -> Probes:
    """A machine that has nothing, whose cache is empty."""
    monkeypatch.setattr(musl, "ROOT", tmp_path / "root")
    without = [folder for folder in sys.path if not Path(folder, "ziglang").exists()]
    monkeypatch.setattr(sys, "path", without)
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    return Probes(tmp_path / "probes.json", str(bin_))


@pytest.fixture
def programs(bin_: Path) -> None:
    for name in ("ld.lld-19", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-ar"):
        program(bin_, name)
    program(bin_, "clang-19", CLANG)


def cached(tmp_path: Path) -> Path:
    """Make a sysroot as unpacking leaves it; give its folder."""
    folder = tmp_path / "cache/musl/0123abcd"
    for name in musl.LIBC:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("!<arch>\n")
    sizes = dict.fromkeys(musl.LIBC, 8)
    (folder / "facts.json").write_text(json.dumps({"sizes": sizes}))
    folder.with_name("sysroot-arm64").symlink_to(folder.name)
    return folder


def installed(root: Path) -> None:
    """Make the files of musl-dev, linux-libc-dev and libgcc as Debian installs them for arm64."""
    for name in (
        "usr/lib/aarch64-linux-musl/libc.a",
        "usr/include/aarch64-linux-musl/stdio.h",
        "usr/include/linux/version.h",
        "usr/include/asm-generic/types.h",
        "usr/include/aarch64-linux-gnu/asm/types.h",
        "usr/include/argp.h",
        "usr/lib/gcc-cross/aarch64-linux-gnu/9/libgcc.a",
        "usr/lib/gcc-cross/aarch64-linux-gnu/12/libgcc.a",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def refused(probes: Probes, request: Request = Request(fetch=False)) -> str:  # noqa: B008
    with pytest.raises(DroidbpfError) as caught:
        musl.find("arm64", probes, request)
    return str(caught.value)


def test_sysroot_of_the_cache_is_taken_as_it_is(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None
) -> None:
    folder = cached(tmp_path)
    found = musl.find("arm64", probes, Request(offline=True))
    assert (found.name, found.libc, found.triple) == ("musl", "musl", "aarch64-linux-musl")
    assert found.cc == (str(bin_ / "clang-19"), "-target", "aarch64-linux-musl")
    assert found.sysroot == str(folder)
    assert found.cxx == ()
    assert found.ar == (str(bin_ / "aarch64-linux-gnu-ar"),)
    assert found.linkflags == (f"--ld-path={bin_}/ld.lld-19", "-Wl,-z,max-page-size=16384")
    assert found.version == "clang version 19.1.7"
    assert "0123abcd" in found.identity.split()
    words = (found.identity, *found.cc, *found.ccflags, *found.linkflags)
    assert not any(str(folder) in word for word in words)


def test_linker_may_be_that_of_binutils(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None
) -> None:
    cached(tmp_path)
    (bin_ / "ld.lld-19").unlink()
    found = musl.find("arm64", probes, Request())
    assert found.linkflags[0] == f"--ld-path={bin_}/aarch64-linux-gnu-ld"


def test_damaged_sysroot_of_the_cache_is_not_taken(
    tmp_path: Path, probes: Probes, programs: None
) -> None:
    (cached(tmp_path) / "lib/crti.o").write_text("")
    assert refused(probes).startswith("error: the cache has no sysroot of musl for arm64\n")


def test_installed_sysroot_goes_before_that_of_the_cache(
    tmp_path: Path, probes: Probes, programs: None
) -> None:
    cached(tmp_path)
    installed(tmp_path / "root")
    found = musl.find("arm64", probes, Request())
    folder = Path(found.sysroot)
    for name, content in {
        "lib/libc.a": "usr/lib/aarch64-linux-musl/libc.a",
        "lib/gcc/aarch64-linux-musl/12/libgcc.a": "usr/lib/gcc-cross/aarch64-linux-gnu/12/libgcc.a",
        "include/stdio.h": "usr/include/aarch64-linux-musl/stdio.h",
        "include/linux/version.h": "usr/include/linux/version.h",
        "include/asm/types.h": "usr/include/aarch64-linux-gnu/asm/types.h",
        "include/asm-generic/types.h": "usr/include/asm-generic/types.h",
    }.items():
        assert (folder / name).read_text() == content
    assert not (folder / "include/argp.h").exists()  # glibc's
    assert musl.find("arm64", probes, Request()) == found


@pytest.mark.parametrize(
    "missing",
    ["usr/include/linux/version.h", "usr/include/aarch64-linux-gnu/asm/types.h", "libgcc.a"],
)
def test_sysroot_that_is_installed_in_part_is_not_taken(
    tmp_path: Path, probes: Probes, programs: None, missing: str
) -> None:
    installed(tmp_path / "root")
    for path in [*(tmp_path / "root").rglob("*")]:
        if str(path).endswith(missing):
            path.unlink()
            if not [*path.parent.iterdir()]:
                path.parent.rmdir()
    assert refused(probes).startswith("error: the cache has no sysroot of musl for arm64\n")


@pytest.mark.parametrize("request_", [Request(offline=True), Request(fetch=False)])
def test_nothing_is_fetched_where_it_may_not_be(
    probes: Probes, programs: None, request_: Request
) -> None:
    assert refused(probes, request_) == (
        "error: the cache has no sysroot of musl for arm64\n"
        "hint: fetch it once: scons ARCH=arm64 toolchain=musl, without offline=1" + OR_ZIG
    )


def test_sysroot_that_cannot_be_fetched_is_told(
    bin_: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(bin_))  # which has no apt
    said = refused(probes, Request())
    assert said.startswith(
        "error: the distribution's archive cannot give sysroot-arm64:\n  bookworm: no "
    )
    assert said.endswith(
        "\nhint: check the network, or take zig: install it: "
        "pip install -r requirements-zig.lock, or run ./dev --no-root COMMAND…"
    )


def test_cache_that_is_no_folder_is_told_and_not_the_network(
    tmp_path: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "file"))
    assert refused(probes, Request()) == (
        f"error: the download cache {tmp_path}/file fails: "
        f"[Errno 20] Not a directory: '{tmp_path}/file/locks'\n"
        "hint: set DROIDBPF_CACHE to another folder"
    )


def test_changed_sysroot_is_no_longer_used_where_its_packages_cannot_be_had(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cached(tmp_path)  # of whose content nothing is known
    found = musl.find("arm64", probes, Request())
    monkeypatch.setenv("PATH", str(bin_))  # which has no apt
    with pytest.raises(DroidbpfError, match="the distribution's archive cannot give sysroot-arm64"):
        toolchains.verify(found, offline=True)
    newer = musl.Sysroot(folder.with_name("4567"), "4567")
    monkeypatch.setattr(musl, "_fetched", lambda arch, offline: newer)
    with pytest.raises(DroidbpfError) as caught:
        toolchains.verify(found, offline=False)
    assert str(caught.value) == (
        f"error: {folder} has changed, and its packages are newer now\n"
        "hint: run the same command again"
    )


def test_sysroot_that_is_installed_is_the_distributions_to_look_after(
    tmp_path: Path, probes: Probes, programs: None
) -> None:
    installed(tmp_path / "root")
    toolchains.verify(musl.find("arm64", probes, Request()), offline=True)


def test_missing_linker_is_told(bin_: Path, probes: Probes) -> None:
    program(bin_, "clang-19", CLANG)
    assert refused(probes) == (
        "error: the musl toolchain for arm64 lacks a linker (ld.lld, aarch64-linux-gnu-ld)\n"
        "hint: install it: apt-get install lld-19 llvm-19" + OR_ZIG
    )


def test_clang_without_the_target_is_told(bin_: Path, probes: Probes) -> None:
    path = program(bin_, "clang", CLANG.replace("aarch64", "x86-64"))
    assert refused(probes).startswith(f"error: {path} is a clang without the target aarch64\n")


def test_zig_is_taken_where_there_is_no_clang(tmp_path: Path, bin_: Path, probes: Probes) -> None:
    (bin_ / "lib/libc/musl").mkdir(parents=True)
    program(bin_, "zig", "echo 0.14.1")
    assert musl.find("arm64", probes, Request()).name == "zig"
    assert toolchains.pick("auto", "arm64", probes, Request()).name == "zig"


def test_auto_takes_musl_where_there_is_no_gcc(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None
) -> None:
    cached(tmp_path)
    assert toolchains.pick("auto", "arm64", probes, Request()).name == "musl"


def test_auto_tells_of_a_gnu_toolchain_that_is_not_whole(
    tmp_path: Path, bin_: Path, probes: Probes, programs: None
) -> None:
    cached(tmp_path)
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
