"""The app of docs/tutorial.md builds as the reader would type it, and shows what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import ROOT, Tree

from base.errors import DroidbpfError
from vm import kernels, machine, qemu

SOURCE = re.compile(r"^`~/apps/exits/(\S+)`:\n\n```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = "/bin/exits 2>/dev/null & sleep 1; ls >/dev/null; sleep 1; kill -INT $!; wait $!"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Write the files of the tutorial; return the folder of the app."""
    folder = tmp_path / "home" / "apps" / "exits"
    folder.mkdir(parents=True)
    for name, text in SOURCE.findall((ROOT / "docs/tutorial.md").read_text()):
        (folder / name).write_text(text)
    return folder


def test_app_of_the_tutorial_builds_without_a_warning_and_runs(tree: Tree, app: Path) -> None:
    result = tree.scons(f"apps_dir={app.parent}", "app=exits")
    assert sorted(path.name for path in app.iterdir()) == ["exits.bpf.c", "exits.c", "exits.h"]
    assert "warning" not in result.out + result.err
    try:
        qemu.find()
        kernel = kernels.kernel("5.10")
    except DroidbpfError as error:
        pytest.skip(f"no kernel here: {error.message}")
    program = tree.app("exits") / "exits"
    [ran] = machine.run(kernel, [["sh", "-c", SCRIPT]], {"/bin/exits": program}).commands
    assert ran.status == 0
    assert re.search(rb"^ls: pid \d+, started by \d+, lived \d+\.\d ms$", ran.stdout, re.MULTILINE)
