"""bcc's libbpf-tools build as they are; docs/libbpf-tools.md names each that does not, and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import ROOT, Tree, download_cache
from elftools.elf.elffile import ELFFile

import toolchains
from base.errors import DroidbpfError
from base.settings import Settings
from benchmarks import _peers

LEAST = {"gnu": 0.95, "musl": 0.9}  # of all apps


def documented(toolchain: str) -> set[str]:
    """Name the apps that are told not to build."""
    text = (ROOT / "docs/libbpf-tools.md").read_text()
    section = text.partition("\n## Building\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \| .+ \|$", section, re.MULTILINE)
    return {name for name, where in rows if toolchain in where.split(", ")}


def is_static_for_arm64(program: Path) -> bool:
    with program.open("rb") as file:
        elf = ELFFile(file)
        interpreters = [s for s in elf.iter_segments() if s["p_type"] == "PT_INTERP"]
        return bool(elf["e_machine"] == "EM_AARCH64" and not interpreters)


@pytest.mark.parametrize("toolchain", LEAST)
def test_all_but_those_told_are_built(tree: Tree, toolchain: str) -> None:
    probes = toolchains.Probes(tree.path / "probes.json", tree.environment({})["PATH"])
    try:
        folder = _peers.libbpf_tools(Settings(download_cache()))
        toolchains.pick(toolchain, tree.arch, probes, toolchains.Request())
    except DroidbpfError as error:
        pytest.skip(error.message)
    apps, told = _peers.apps(folder), documented(toolchain)
    result = tree.scons(
        f"toolchain={toolchain}", f"apps_dir={folder}", "-k", status=2 if told else 0
    )
    assert set(re.findall(r"^not built: (\S+): .", result.err, re.MULTILINE)) == told
    built = [app for app in apps if app not in told]
    assert len(built) >= LEAST[toolchain] * len(apps)
    products = tree.build / f"{tree.arch}-{toolchain}" / "apps"
    assert [app for app in built if not is_static_for_arm64(products / app / app)] == []
