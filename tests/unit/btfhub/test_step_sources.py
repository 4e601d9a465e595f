"""What a build's step of btfhub depends on is what its command imports and reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bpf_objects
import hubs
import pytest
import small_kernels

from site_tools.external_btf import MODULES, TEMPLATE

APP = """
struct task_struct { int tgid; } CORE;
SEC("tp/x") int f(struct task_struct *task) { return task->tgid; }
"""
# Runs a command, and prints the files of the checkout that it imported or opened.
TRACED = """
import sys
opened = set()
sys.addaudithook(lambda event, arguments: event == "open" and opened.add(str(arguments[0])))
from btfhub.__main__ import main
assert main(sys.argv[2:]) == 0
opened |= {m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)}
with open(sys.argv[1], "w") as file:
    file.write("\\n".join(opened))
"""
NEVER_READ = {"btfhub/btfhub.lock"}  # by the steps' own signature: the pins are values of it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sources")
    bpf_objects.compiled(made, "app", APP)
    small_kernels.kernel(made, "5.10.107-mine")
    return made


def read(folder: Path, *command: str) -> set[str]:
    """Return the files of ours that a command uses."""
    out = folder / "used"
    python = [sys.executable, "-c", TRACED, str(out), *command]
    subprocess.run(python, cwd=hubs.ROOT, check=True, capture_output=True)
    found = set()
    for line in out.read_text().splitlines():
        path = Path(hubs.ROOT, line).resolve()
        if path.is_relative_to(hubs.ROOT) and "__pycache__" not in path.parts and path.is_file():
            found.add(path.relative_to(hubs.ROOT).as_posix())
    ours = {name for name in found if name.startswith(("base/", "btfhub/", "fetch/"))}
    return ours - {"base/__init__.py", "btfhub/__init__.py", "fetch/__init__.py"} - NEVER_READ


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """The files that every step depends on."""
    files = [file for pattern in MODULES for file in hubs.ROOT.glob(pattern)]
    return {file.relative_to(hubs.ROOT).as_posix() for file in files}


def test_minimizing_depends_on_what_it_uses_with_and_without_a_pin(
    folder: Path, modules: set[str]
) -> None:
    kernel = folder / "5.10.107-mine.btf"
    common = ["minimize", f"--object={folder}/app.bpf.o", f"--out-btf={folder}/out.btf"]
    common += [f"--out-faults={folder}/out.json", str(kernel)]
    used = read(folder, *common) | read(folder, *common, f"--sha256={sha256(kernel)}")
    assert used <= modules
    assert "btfhub/lint.toml" in used


def sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_embedding_depends_on_what_it_uses(folder: Path, modules: set[str]) -> None:
    named = folder / "a12-5.10-2022-05.btf"
    named.write_bytes(b"minimized")
    named.with_suffix(".json").write_text('{"missing": ["a.b"], "unreliable": []}')
    assert read(folder, "embed", f"--out={folder}/out.c", str(named)) <= modules


def test_reporting_depends_on_what_it_uses(folder: Path, modules: set[str]) -> None:
    command = ["report", f"--object={folder}/app.bpf.o", f"--html={folder}/out.html"]
    kernel = str(folder / "5.10.107-mine.btf")
    assert read(folder, *command, kernel) - modules == {TEMPLATE.as_posix()}
