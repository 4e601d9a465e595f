"""Every app of the repository by every toolchain: each is what was asked, and runs on 5.10."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import no_root
import pytest
from checkout import ROOT, Tree
from elftools.elf.elffile import ELFFile

from base.errors import DroidbpfError
from vm import kernels, machine, qemu

APPS = sorted(path.name for path in (ROOT / "apps").iterdir() if path.name[0] not in "._")
COLUMNS = ("arm64-gnu", "arm64-musl", "arm64-zig", "arm64-ndk", "x86_64-gnu")
MACHINES = {"arm64": ("EM_AARCH64", 16384), "x86_64": ("EM_X86_64", 4096)}
# Bytes of syscall_mon. That of arm64-ndk tells of bionic where $DROIDBPF_TEST_NDK names an NDK.
LARGEST = {
    "arm64-gnu": 1_100_000,
    "arm64-musl": 500_000,
    "arm64-zig": 500_000,
    "arm64-ndk": 900_000,
}
OWN = f"apps_dir={ROOT / 'apps'}"
# What each app is run with, and what its events have in common.
RUNS = {
    "syscall_mon": (["-c", "ls", "-n", "25", "-d", "10"], b" comm=ls syscall_number="),
    "proc_mon": (["-n", "16", "-d", "10"], b" event="),
}

Built = Callable[[str], Path]


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest) -> Built:
    """Return a function that builds a column's apps and returns their folder."""
    done: dict[str, Path] = {}

    def build(column: str) -> Path:
        if column not in done:
            done[column] = _build(request, column) / "build" / column / "apps"
        return done[column]

    return build


def _build(request: pytest.FixtureRequest, column: str) -> Path:
    """Build the repository's apps where a column's libraries are built; give the tree."""
    if column == "arm64-zig":
        tree = request.getfixturevalue("alone")[0]
        words = [word for word in no_root.BUILD if not word.startswith("app=")]
        said = no_root.run(tree, "scons", "-Q", *words, OWN)
        assert said.returncode == 0, said.stdout + said.stderr
        return Path(tree)
    names = {
        "arm64-gnu": "template",
        "arm64-musl": "musl_tree",
        "arm64-ndk": "ndk_tree",
        "x86_64-gnu": "host_tree",
    }
    options = [f"toolchain={column.partition('-')[2]}", OWN]
    if column == "arm64-ndk":
        options.append(f"ndk={request.getfixturevalue('ndk')}")
    base = request.getfixturevalue("tmp_path_factory").mktemp("matrix")
    tree = request.getfixturevalue(names[column]).copy(base / "tree")
    assert isinstance(tree, Tree)
    tree.scons(*options)
    return tree.path


def seen(program: Path) -> dict[str, Any]:
    """Return the facts that a loader sees in a program."""
    with program.open("rb") as file:
        elf = ELFFile(file)
        segments = list(elf.iter_segments())
        symbols = [elf.get_section_by_name(name) for name in (".symtab", ".dynsym")]
        return {
            "machine": elf["e_machine"],
            "needs": {s["p_type"] for s in segments} & {"PT_INTERP", "PT_DYNAMIC"},
            "aligned": {s["p_align"] for s in segments if s["p_type"] == "PT_LOAD"},
            "versions": elf.get_section_by_name(".gnu.version_r"),
            "symbols": [section for section in symbols if section],
            "executable stack": [
                s for s in segments if s["p_type"] == "PT_GNU_STACK" and s["p_flags"] & 1
            ],
        }


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("column", COLUMNS)
def test_program_is_what_was_asked(built: Built, column: str, app: str) -> None:
    machine_, page = MACHINES[column.partition("-")[0]]
    assert seen(built(column) / app / app) == {
        "machine": machine_,
        "needs": set(),
        "aligned": {page},
        "versions": None,
        "symbols": [],
        "executable stack": [],
    }


@pytest.mark.parametrize("column", LARGEST)
def test_syscall_mon_is_small(built: Built, column: str) -> None:
    size = (built(column) / "syscall_mon/syscall_mon").stat().st_size
    assert size <= LARGEST[column]


@pytest.mark.parametrize("app", APPS)
def test_apps_of_all_toolchains_run_on_linux_510(built: Built, app: str) -> None:
    try:
        qemu.find()
        kernel = kernels.kernel("5.10")
    except DroidbpfError as error:
        pytest.skip(f"no kernel 5.10 here: {error.message}")
    arguments, common = RUNS[app]
    programs = {
        f"/bin/{column}": built(column) / app / app
        for column in COLUMNS
        if column.startswith("arm64-")
    }
    commands = [[path, *arguments] for path in programs]
    results = machine.run(kernel, commands, programs, workload=machine.DEMO_WORKLOAD).commands
    assert [(result.status, result.stderr) for result in results] == [(0, b"")] * len(programs)
    for result in results:
        lines = result.stdout.splitlines()
        assert len(lines) >= int(arguments[arguments.index("-n") + 1])
        assert [line for line in lines if common not in line] == []
