"""Compilers behind links and scripts: each way to call one has its own answers and identity."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from small_programs import answer, program

from toolchains import bpf
from toolchains.probe import Probes

NAMES = ("aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc")


def probes(tmp_path: Path, *folders: Path) -> Probes:
    """Return the probes of a new start."""
    return Probes(tmp_path / "probes.json", ":".join(map(str, folders)))


def compiler(folder: Path, name: str, version: str) -> Path:
    """Make a program that reports a version, and as gcc does under which path it runs."""
    folder.mkdir(exist_ok=True, parents=True)
    report = f'case "$*" in *-###*) echo "COLLECT_GCC=$0" ;; *) echo "{name} {version}" ;; esac'
    return program(folder, name, report)


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    """A folder of compilers that links in another one lead to."""
    for name in NAMES:
        compiler(tmp_path / "behind", name, "12")
    return tmp_path / "behind"


def links_to(folder: Path, target: Path) -> list[str]:
    """Make links of the compilers' names to one program; return their paths."""
    for name in NAMES:
        (folder / name).symlink_to(target)
    return [str(folder / name) for name in NAMES]


def test_links_to_one_program_have_answers_of_their_own(
    tmp_path: Path, bin_: Path, behind: Path
) -> None:
    arm64, x86_64 = links_to(bin_, program(tmp_path, "multi", f'exec "{behind}/${{0##*/}}" "$@"'))
    for _ in range(2):
        seen = probes(tmp_path, bin_)
        assert seen.ask(arm64, "--version") == f"{NAMES[0]} 12\n"
        assert seen.ask(x86_64, "--version") == f"{NAMES[1]} 12\n"
        assert seen.identity(arm64) != seen.identity(x86_64)


@pytest.mark.parametrize("in_path", [True, False])
def test_new_compiler_behind_a_link_is_another_compiler(
    tmp_path: Path, bin_: Path, behind: Path, in_path: bool
) -> None:
    """It is in PATH too, as ccache looks for it, or only the link's program knows where."""
    folders = [bin_, behind] if in_path else [bin_]
    arm64, _ = links_to(bin_, program(tmp_path, "multi", f'exec "{behind}/${{0##*/}}" "$@"'))
    first = probes(tmp_path, *folders).identity(arm64)
    assert probes(tmp_path, *folders).identity(arm64) == first
    compiler(behind, NAMES[0], "13.1")
    seen = probes(tmp_path, *folders)
    assert seen.identity(arm64) != first
    assert seen.ask(arm64, "--version") == f"{NAMES[0]} 13.1\n"


def test_folder_behind_a_script_that_leads_elsewhere_is_another_compiler(
    tmp_path: Path, bin_: Path
) -> None:
    for version in ("12", "13"):
        compiler(tmp_path / version, "gcc", version)
    (tmp_path / "current").symlink_to("12")
    path = str(program(bin_, "gcc", f'exec "{tmp_path}/current/gcc" "$@"'))
    first = probes(tmp_path, bin_).identity(path)
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("13")
    seen = probes(tmp_path, bin_)
    assert seen.identity(path) != first
    assert seen.ask(path, "--version") == "gcc 13\n"


def test_compiler_that_is_installed_before_the_one_behind_a_link_is_another(
    tmp_path: Path, bin_: Path, behind: Path
) -> None:
    """As ccache does, the program behind the link searches PATH for its name."""
    local = tmp_path / "local"
    local.mkdir()
    search = (
        f'for f in {local} {behind}; do [ -e "$f/${{0##*/}}" ] && exec "$f/${{0##*/}}" "$@"; done'
    )
    arm64, _ = links_to(bin_, program(tmp_path, "multi", search))
    first = probes(tmp_path, bin_, local, behind).identity(arm64)
    compiler(local, NAMES[0], "14")
    seen = probes(tmp_path, bin_, local, behind)
    assert seen.identity(arm64) != first
    assert seen.ask(arm64, "--version") == f"{NAMES[0]} 14\n"


def test_compilers_behind_ccache_differ_and_are_seen_to_change(tmp_path: Path, bin_: Path) -> None:
    ccache, real = shutil.which("ccache"), shutil.which("gcc")
    if not ccache or not real:
        pytest.skip("ccache or gcc is not on this machine")
    for name in NAMES:
        (tmp_path / name).mkdir()
        target = shutil.which(name, path="/usr/bin") or real
        (tmp_path / name / name).symlink_to(target)
    arm64, x86_64 = links_to(bin_, Path(ccache))
    folders = (bin_, *(tmp_path / name for name in NAMES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", ":".join(map(str, (*folders, "/usr/bin", "/bin"))))
        seen = probes(tmp_path, *folders)
        first = seen.identity(arm64)
        assert os.path.realpath(shutil.which(NAMES[0], path="/usr/bin") or real) in first
        assert first != seen.identity(x86_64)
        assert probes(tmp_path, *folders).identity(arm64) == first
        (tmp_path / NAMES[0] / NAMES[0]).unlink()
        compiler(tmp_path / NAMES[0], NAMES[0], "13.1")
        assert probes(tmp_path, *folders).identity(arm64) != first


def test_script_is_known_by_its_content(tmp_path: Path, bin_: Path) -> None:
    path = answer(bin_, "tool", "one")
    first = probes(tmp_path, bin_).identity(str(path))
    os.utime(path, ns=(1, 1))
    assert probes(tmp_path, bin_).identity(str(path)) == first
    answer(bin_, "tool", "two")
    os.utime(path, ns=(1, 1))
    assert probes(tmp_path, bin_).identity(str(path)) != first


def test_shared_library_of_a_compiler_belongs_to_its_identity(tmp_path: Path, bin_: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not on this machine")
    (tmp_path / "a.c").write_text("int a(void) { return 0; }\n")
    (tmp_path / "main.c").write_text("int a(void); int main(void) { return a(); }\n")
    library, tool = tmp_path / "libLLVM-99.so", bin_ / "tool"
    for command in (
        ["gcc", "-shared", "-fPIC", "a.c", "-o", library],
        ["gcc", "main.c", library, "-o", tool],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    path = f"{bin_}:/usr/bin:/bin"
    first = Probes(tmp_path / "probes.json", path).identity(str(tool))
    assert Probes(tmp_path / "probes.json", path).identity(str(tool)) == first
    os.utime(library, ns=(1, 1))
    assert Probes(tmp_path / "probes.json", path).identity(str(tool)) != first


def test_ubuntus_script_is_passed_over_for_the_bpftool_that_it_runs(
    tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which one that is depends on the running kernel: the newest is taken instead."""
    monkeypatch.setattr(bpf, "SBIN", "")
    monkeypatch.setattr(bpf, "Path", lambda path: Path(f"{tmp_path}{path}"))
    program(
        bin_, "clang", "[ $1 = --print-targets ] && echo '  bpf - BPF' || echo clang version 19.1.7"
    )
    program(bin_, "bpftool", 'echo bpftool v7.4.0; : "/usr/lib/linux-tools/$(uname -r)/bpftool"')
    for version in ("6.8.0-40", "6.11.0-9"):
        folder = tmp_path / f"usr/lib/linux-tools-{version}"
        folder.mkdir(parents=True)
        answer(folder, "bpftool", "bpftool v7.5.0")
    found = bpf.find(probes(tmp_path, bin_)).bpftool
    assert found == f"{tmp_path}/usr/lib/linux-tools-6.11.0-9/bpftool"


@pytest.mark.parametrize(
    ("name", "real"),
    [("clang++", "clang-19"), ("aarch64-linux-gnu-g++", "g++-12"), ("ld.lld-19", "lld")],
)
def test_link_to_another_version_does_not_depend_on_the_rest_of_path(
    tmp_path: Path, bin_: Path, name: str, real: str
) -> None:
    """Else a second compiler that nobody uses would rebuild everything."""
    tool = tmp_path / real
    tool.write_bytes(b"\x7fELF")
    tool.chmod(0o755)
    (bin_ / name).symlink_to(tool)
    first = probes(tmp_path, bin_, tmp_path / "other").identity(str(bin_ / name))
    (tmp_path / "other").mkdir()
    answer(tmp_path / "other", name, "another")
    assert probes(tmp_path, bin_, tmp_path / "other").identity(str(bin_ / name)) == first
