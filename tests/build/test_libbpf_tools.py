"""bcc's libbpf-tools build unmodified; docs/reference/libbpf-tools.md names each that does not."""

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
    """Return the apps that the documentation says do not build."""
    text = (ROOT / "docs/reference/libbpf-tools.md").read_text()
    section = text.partition("\n## Building\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \| .+ \|$", section, re.MULTILINE)
    return {name for name, where in rows if toolchain in where.split(", ")}


def is_static_for_arm64(program: Path) -> bool:
    with program.open("rb") as file:
        elf = ELFFile(file)
        interpreters = [s for s in elf.iter_segments() if s["p_type"] == "PT_INTERP"]
        return bool(elf["e_machine"] == "EM_AARCH64" and not interpreters)


@pytest.fixture
def libraries(request: pytest.FixtureRequest, tmp_path: Path, toolchain: str) -> Tree:
    """A tree whose libraries are built; of gnu, the checkout's own, as for the tests in guests."""
    if toolchain == "gnu":
        return Tree(ROOT, {"DROIDBPF_STEP_LOG": str(tmp_path / "steps")})
    musl: Tree = request.getfixturevalue("musl_tree")
    return musl.copy(tmp_path / "tree")


@pytest.mark.parametrize("toolchain", LEAST)
def test_all_but_the_documented_ones_are_built(
    libraries: Tree, tmp_path: Path, toolchain: str
) -> None:
    tree = libraries
    probes = toolchains.Probes(tmp_path / "probes.json", tree.environment({})["PATH"])
    try:
        folder = _peers.libbpf_tools(Settings(download_cache()))
        toolchains.pick(toolchain, tree.arch, probes, toolchains.Request())
    except DroidbpfError as error:
        pytest.skip(error.message)
    apps, expected = _peers.apps(folder), documented(toolchain)
    result = tree.scons(
        f"toolchain={toolchain}", f"apps_dir={folder}", "-k", status=2 if expected else 0
    )
    assert set(re.findall(r"^not built: (\S+): .", result.err, re.MULTILINE)) == expected
    built = [app for app in apps if app not in expected]
    assert len(built) >= LEAST[toolchain] * len(apps)
    products = tree.build / f"{tree.arch}-{toolchain}" / "apps"
    assert [app for app in built if not is_static_for_arm64(products / app / app)] == []
