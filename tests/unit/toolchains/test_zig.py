"""How zig is found: among Python's packages, in PATH, of which version, with which folder."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_programs import program

import toolchains
from base.errors import DroidbpfError
from base.settings import Settings
from toolchains import zig
from toolchains.model import Request
from toolchains.probe import Probes

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


def test_zig_shows_what_it_found(tmp_path: Path, bin_: Path, packages: Path) -> None:
    path = a_zig(packages / "ziglang", "lib")
    toolchain = found(tmp_path, bin_)
    assert (toolchain.name, toolchain.libc) == ("zig", "musl")
    assert (toolchain.triple, toolchain.version) == ("aarch64-linux-musl", "zig 0.14.1")
    assert toolchain.cxx == (str(path), "c++", "-target", "aarch64-linux-musl")
    assert toolchain.ar == (str(path), "ar")
    assert toolchain.bpf_clang[:2] == (str(path), "clang")
    assert toolchain.set_up
    assert toolchain.set_up.key.startswith(f"{path.parent}/lib ")
    assert hashlib.sha256(path.read_bytes()[2:]).hexdigest() in toolchain.identity
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
    set_up = found(tmp_path, bin_).set_up
    assert set_up
    assert set_up.key.startswith(f"{tmp_path}/usr/lib/zig ")


def refused(tmp_path: Path, bin_: Path) -> str:
    with pytest.raises(DroidbpfError) as caught:
        found(tmp_path, bin_)
    return str(caught.value)


def test_no_zig_is_reported(tmp_path: Path, bin_: Path, packages: Path) -> None:
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


def test_zig_without_its_library_is_reported(tmp_path: Path, bin_: Path, packages: Path) -> None:
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


def test_nothing_is_written_before_zig_is_set_up(
    tmp_path: Path, bin_: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_zig(packages / "ziglang", "lib")
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    toolchain = found(tmp_path, bin_)
    assert not (tmp_path / "cache").exists()
    assert [*Path().iterdir()] == []
    for _ in range(2):
        toolchains.set_up(toolchain, Settings(tmp_path / "cache"))
        assert Path("build/zig/lib").readlink() == path.parent / "lib"
        assert (tmp_path / "cache/zig").is_dir()
        assert {file.name for file in Path("build/zig").iterdir()} == {"lib", "ready"}


def test_cache_that_cannot_be_written_is_reported(
    tmp_path: Path, bin_: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_zig(packages / "ziglang", "lib")
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "file"))
    with pytest.raises(DroidbpfError) as caught:
        toolchains.set_up(found(tmp_path, bin_), Settings(tmp_path / "file"))
    assert str(caught.value) == (
        f"error: cannot write to the cache {tmp_path}/file/zig: Not a directory\n"
        "hint: make it writable, or set DROIDBPF_CACHE to another folder"
    )
    assert not Path("build").exists()
