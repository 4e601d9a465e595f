"""Real guests in which proc_mon has run in all ways.

One boot per kernel runs proc_mon_cases.sh; each test looks at what one of its cases left. The
kernel without BTF of its own gets it from a file, by $DROIDBPF_BTF.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vm import initramfs, kernels, machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILT = ROOT / "build/arm64-gnu/apps/proc_mon"
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
NOBTF = "android12-5.10-nobtf"
NOBTF_FILES = ASSETS / "kernels/android12-5.10-nobtf"
COMM = "proc_workload"
PATH = "/bin/proc_workload"


@dataclass(frozen=True)
class Child:
    """What proc_workload says of a child of its own."""

    ppid: int
    pid: int
    status: int  # wait()'s
    ns: int  # from before the fork to after the wait


@dataclass(frozen=True)
class Guest:
    """What the cases left in one guest."""

    name: str
    files: dict[str, bytes]

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def clean(self, case: str) -> str:
        """Give the output of a case that ended well and said nothing on stderr."""
        assert self.text(f"{case}.err") == ""
        assert self.text(f"{case}.status") == "0\n"
        return self.text(f"{case}.out")

    def events(self, case: str) -> list[dict[str, Any]]:
        """Give the JSON events of a case that ended well."""
        return [json.loads(line) for line in self.clean(case).splitlines()]

    def children(self, case: str) -> dict[str, Child]:
        lines = [line.split() for line in self.text(f"{case}.work").splitlines()]
        return {label: Child(*map(int, rest)) for label, *rest in lines}

    def of(self, case: str, label: str) -> list[dict[str, Any]]:
        """Give the events of a case's child."""
        pid = self.children(case)[label].pid
        return [event for event in self.events(case) if event["pid"] == pid]

    def end(self, case: str, label: str) -> dict[str, Any]:
        """Give the exit event of a case's child, of which there must be exactly one."""
        (event,) = (event for event in self.of(case, label) if event["event"] == "exit")
        return event


def compiled(folder: Path) -> Path:
    """Give proc_workload."""
    workload = folder / "proc_workload"
    gcc = ["aarch64-linux-gnu-gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
    subprocess.run([*gcc, HERE / "proc_workload.c", "-o", workload], check=True)
    return workload


def build() -> None:
    """Build proc_mon with no BTF embedded."""
    command = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "app=proc_mon"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _boot(kernel: str, folder: Path) -> bytes:
    """Give the archive that the cases print."""
    files: dict[str, initramfs.FileSource] = {
        "/cases.sh": HERE / "proc_mon_cases.sh",
        "/bin/proc_mon": BUILT / "proc_mon",
        PATH: compiled(folder),
    }
    env = {}
    if kernel == NOBTF:
        (archive,) = NOBTF_FILES.glob("*.btf.tar.xz")
        with tarfile.open(archive) as tar:
            (member,) = tar.getmembers()
            data = tar.extractfile(member)
            assert data
            files["/kernel.btf"] = data.read()
        env["DROIDBPF_BTF"] = "/kernel.btf"
    image = str(NOBTF_FILES / "Image.gz") if kernel == NOBTF else kernel
    results = machine.run(
        kernels.kernel(image), [["sh", "/cases.sh"]], files, timeout_s=300, env=env
    )
    assert results[0].status == 0, results[0].stderr.decode()
    return results[0].stdout


@pytest.fixture(scope="session", params=["5.10", "6.1", "6.12", NOBTF])
def proc_guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases did in one guest; workers of pytest-xdist share it."""
    for tool in ("qemu-system-aarch64", "aarch64-linux-gnu-gcc"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    kernel = request.param
    if kernel == NOBTF and not NOBTF_FILES.is_dir():
        pytest.skip(f"no {NOBTF_FILES}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    archive = folder / f"proc_mon-{kernel}.tar"
    with _locked(archive.with_suffix(".lock")):
        if not archive.exists():
            with _locked(folder / "proc_mon-build.lock"):
                build()
            archive.write_bytes(_boot(kernel, tmp_path_factory.mktemp("programs")))
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        for member in tar:
            if data := tar.extractfile(member):
                files[member.name.removeprefix("./")] = data.read()
    return Guest(kernel, files)
