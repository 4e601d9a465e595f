"""How zig is found: among Python's packages, in PATH, of which version, with which folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from small_programs import program

import toolchains
from base.errors import DroidbpfError
from fetch.cache import lock
from toolchains import zig
from toolchains.model import Request
from toolchains.probe import Probes, identity

ROOT = Path(zig.__file__).parents[1]
HINT = "\nhint: install it: pip install -r requirements-zig.lock, or run ./dev --no-root COMMAND…"


def a_zig(folder: Path, library: str, version: str = "0.14.1") -> Path:
    """Make a program that tells its version, and beside it the folder of its library."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / library / "libc/musl").mkdir(parents=True)
    return program(folder, "zig", f"[ $1 = version ] && echo {version}")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of Python's packages."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site-packages")])
    return tmp_path / "site-packages"


def found(tmp_path: Path, bin_: Path, arch: str = "arm64") -> toolchains.Toolchain:
    return zig.find(arch, Probes(tmp_path / "probes.json", str(bin_)), Request())


def test_zig_of_the_python_packages_goes_before_that_of_path(
    tmp_path: Path, bin_: Path, packages: Path
) -> None:
    a_zig(bin_, "lib")
    packaged = a_zig(packages / "ziglang", "lib")
    assert found(tmp_path, bin_).cc == (str(packaged), "cc", "-target", "aarch64-linux-musl")
    packaged.unlink()
    assert found(tmp_path, bin_).cc[0] == str(bin_ / "zig")


def test_zig_tells_what_it_found(tmp_path: Path, bin_: Path, packages: Path) -> None:
    path = a_zig(packages / "ziglang", "lib")
    toolchain = found(tmp_path, bin_)
    assert (toolchain.name, toolchain.libc) == ("zig", "musl")
    assert (toolchain.triple, toolchain.version) == ("aarch64-linux-musl", "zig 0.14.1")
    assert toolchain.cxx == (str(path), "c++", "-target", "aarch64-linux-musl")
    assert toolchain.ar == (str(path), "ar")
    assert toolchain.bpf_clang[:2] == (str(path), "clang")
    assert toolchain.links == (("build/zig/lib", str(path.parent / "lib")),)
    assert identity(str(path)) in toolchain.identity
    assert "-Wl,-z,max-page-size=16384" in toolchain.linkflags
    assert "-Wl,-z,max-page-size=16384" not in found(tmp_path, bin_, "x86_64").linkflags


def test_no_word_but_the_program_is_a_path_of_its_installation(
    tmp_path: Path, bin_: Path, packages: Path
) -> None:
    path = a_zig(packages / "ziglang", "lib")
    toolchain = found(tmp_path, bin_)
    words = (*toolchain.cc, *toolchain.ccflags, *toolchain.linkflags, *toolchain.builtins)
    words += toolchain.bpf_clang
    assert {word for word in words if str(tmp_path) in word} == {str(path)}


def test_caches_of_zig_are_those_of_droidbpf(
    tmp_path: Path, bin_: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_zig(packages / "ziglang", "lib")
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    assert dict(found(tmp_path, bin_).environment) == {
        "ZIG_LIB_DIR": "build/zig/lib",
        "ZIG_GLOBAL_CACHE_DIR": f"{tmp_path}/cache/zig",
        "ZIG_LOCAL_CACHE_DIR": "build/zig/cache",
    }


def test_library_of_a_zig_of_a_distribution_is_found(
    tmp_path: Path, bin_: Path, packages: Path
) -> None:
    real = a_zig(tmp_path / "usr/bin", "../lib/zig")
    (bin_ / "zig").symlink_to(real)
    assert found(tmp_path, bin_).links == (("build/zig/lib", f"{tmp_path}/usr/lib/zig"),)


def refused(tmp_path: Path, bin_: Path) -> str:
    with pytest.raises(DroidbpfError) as caught:
        found(tmp_path, bin_)
    return str(caught.value)


def test_no_zig_is_told(tmp_path: Path, bin_: Path, packages: Path) -> None:
    assert refused(tmp_path, bin_) == (
        "error: no zig was found, neither among Python's packages nor in PATH" + HINT
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.13.0", "0.13.0"), ("0.140.0", "0.140.0"), ("", "of an unknown version")],
)
def test_zig_of_another_version_is_refused(
    tmp_path: Path, bin_: Path, packages: Path, version: str, said: str
) -> None:
    path = a_zig(bin_, "lib", version)
    assert refused(tmp_path, bin_) == f"error: {path} is zig {said}, not 0.14{HINT}"


def test_zig_without_its_library_is_told(tmp_path: Path, bin_: Path, packages: Path) -> None:
    path = program(bin_, "zig", "echo 0.14.1")
    assert refused(tmp_path, bin_) == f"error: {path} has no folder lib beside it{HINT}"


def test_pinned_package_is_of_the_version_that_is_taken() -> None:
    pin = re.search(r"^ziglang==(\S+)$", (ROOT / "requirements-zig.in").read_text(), re.MULTILINE)
    assert pin
    assert pin[1].startswith(f"{zig.VERSION}.")
    assert f"ziglang=={pin[1]} \\\n" in (ROOT / "requirements-zig.lock").read_text()


def test_zig_is_found_without_importing_its_package() -> None:
    code = "import sys; from toolchains import zig; print(*sys.modules)"
    out = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert not {"ziglang", "requests", "tqdm", "fetch.apt"} & set(out.split())


@pytest.fixture
def used(
    tmp_path: Path, bin_: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> toolchains.Toolchain:
    """A zig whose cache has what it adds to links, as a link leaves it."""
    a_zig(packages / "ziglang", "lib")
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "cache/zig/o"
    for name, content in {"1/crt1.o": b"\x7fELF1", "2/libc.a": b"!<arch>\n2", "3/a.o": b""}.items():
        (made / name).parent.mkdir(parents=True)
        (made / name).write_bytes(content)
    toolchain = found(tmp_path, bin_)
    toolchains.remember(toolchain)
    return toolchain


def cache_of(toolchain: toolchains.Toolchain) -> Path:
    return Path(*toolchain.caches)


def test_cache_that_is_as_it_was_made_is_kept(
    used: toolchains.Toolchain, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = cache_of(used)
    os.utime(cache / "o/2/libc.a")  # as where it was copied
    (cache / "o/3/a.o").write_bytes(b"no part of a link")
    toolchains.verify(used, offline=True)
    assert (cache / "o/1/crt1.o").exists()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", [b"", b"\x7fELF2", b"\x7fELF", None])
def test_cache_with_another_file_to_link_is_removed_for_zig_to_make_it_anew(
    used: toolchains.Toolchain, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    file = cache_of(used) / "o/1/crt1.o"
    file.unlink() if content is None else file.write_bytes(content)
    toolchains.verify(used, offline=True)
    assert {path.name for path in cache_of(used).parent.iterdir()} == {"locks", "zig"}
    assert [*cache_of(used).iterdir()] == []
    assert capsys.readouterr().err == (
        f"warning: {file} is not as it was made: zig makes its cache anew, which takes a minute\n"
    )
    toolchains.verify(used, offline=True)
    assert capsys.readouterr().err == ""


def test_cache_that_another_build_removes_is_removed_once(
    used: toolchains.Toolchain, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be making its libc there by the time that ours has the lock."""
    cache = cache_of(used)
    (cache / "o/1/crt1.o").write_bytes(b"")
    with lock(cache.parent, "zig"):
        ours = threading.Thread(target=toolchains.verify, args=(used,), kwargs={"offline": True})
        ours.start()
        ours.join(timeout=0.2)
        assert ours.is_alive()
        shutil.rmtree(cache)
        (cache / "o/9").mkdir(parents=True)
    ours.join(timeout=10)
    assert (cache / "o/9").exists()
    assert capsys.readouterr().err == ""


def test_what_zig_makes_later_is_looked_after_too(used: toolchains.Toolchain) -> None:
    cache = cache_of(used)
    (cache / "o/4").mkdir()
    (cache / "o/4/libc++.a").write_bytes(b"!<arch>\n")
    toolchains.remember(used)
    (cache / "o/4/libc++.a").unlink()
    toolchains.verify(used, offline=True)
    assert not (cache / "o").exists()


def test_damaged_record_is_written_anew(used: toolchains.Toolchain) -> None:
    wrong_shapes = ('{"changed": 1, "files": [1]}', '{"changed": 1, "files": {"a": [1]}}')
    for damage in ("", "{", "[]", "[1]", *wrong_shapes):
        (cache_of(used) / "linked.json").write_text(damage)
        toolchains.verify(used, offline=True)
        toolchains.remember(used)
        assert len(json.loads((cache_of(used) / "linked.json").read_text())["files"]) == 2


def test_file_that_was_emptied_before_the_first_link_is_told(used: toolchains.Toolchain) -> None:
    cache = cache_of(used)
    (cache / "linked.json").unlink()
    (cache / "o/1/crt1.o").write_bytes(b"")
    with pytest.raises(DroidbpfError) as caught:
        toolchains.remember(used)
    assert str(caught.value) == (
        f"error: {cache}/o/1/crt1.o is damaged\nhint: remove zig's cache: rm -r {cache}"
    )


def test_copies_of_objects_are_removed_once_a_build(used: toolchains.Toolchain) -> None:
    zig._remove_objects.cache_clear()
    for left in (False, True):
        Path("build/zig/cache/o").mkdir(parents=True, exist_ok=True)
        toolchains.verify(used, offline=True)
        assert Path("build/zig/cache/o").exists() is left
