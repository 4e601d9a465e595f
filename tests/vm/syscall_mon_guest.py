"""Real guests, with and without kernel BTF, in which syscall_mon has run in all ways.

One boot per kernel runs syscall_mon_cases.sh; each test looks at what one of its cases left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vm import kernels, machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLANG = next(filter(shutil.which, (f"clang-{n}" for n in range(30, 10, -1))), "clang")
BUILT = ROOT / "build/arm64-gnu/apps/syscall_mon"
# A kernel like android12-5.10's: built without BTF and without syscall tracepoints.
NOBTF = ("android12-5.10", True)
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
NOBTF_IMAGE = ASSETS / "kernels/android12-5.10-nobtf/Image.gz"
LINE = re.compile(
    r"pid=(?P<pid>\d+) comm=(?P<comm>[!-~]*) syscall_number=(?P<number>-?\d+)"
    r" syscall_name=(?P<name>\w+) syscall_runtime_ns=(?P<runtime>\d+)"
)
COMM = "syscall_workloa"  # 15 bytes of the program's name
KNOWN = {"getpid": 500, "openat": 100, "unknown_480": 50, "nanosleep": 5}
ENOENT, ECHILD, ENOSYS = 2, 10, 38


@dataclass(frozen=True)
class Guest:
    """What the cases left in one guest."""

    files: dict[str, bytes]
    has_btf: bool

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

    def named(self, case: str, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events(case) if event["syscall_name"] == name]

    def lines(self, case: str) -> list[re.Match[str]]:
        """Give the text events of a case that ended well; each line has exactly the form."""
        found = [LINE.fullmatch(line) for line in self.clean(case).splitlines()]
        matches = [match for match in found if match]
        assert len(matches) == len(found)
        return matches

    def pid(self, case: str) -> int:
        """Give the process ID that the traced program told."""
        return int(self.text(f"{case}.work").split()[1])


def _compile(folder: Path) -> dict[str, Path]:
    """Give the programs that are traced."""
    workload, compat = folder / "syscall_workload", folder / "compat_workload"
    gcc = ["aarch64-linux-gnu-gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
    subprocess.run([*gcc, HERE / "syscall_workload.c", "-o", workload], check=True)
    clang = [CLANG, "--target=arm-linux-gnueabi", "-march=armv7-a", "-marm", "-O1", "-Wall"]
    clang += ["-Werror", "-ffreestanding", "-fno-pic", "-c", "-o", f"{compat}.o"]
    subprocess.run([*clang, HERE / "compat_workload.c"], check=True)
    linker = ["aarch64-linux-gnu-ld", "-m", "armelf_linux_eabi", f"{compat}.o", "-o", compat]
    subprocess.run(linker, check=True)
    return {f"/bin/{path.name}": path for path in (workload, compat)}


def _build() -> None:
    build = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "app=syscall_mon"]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _boot(kernel: str, hide_btf: bool, folder: Path) -> bytes:
    """Give the archive that the cases print."""
    files = {
        "/cases.sh": HERE / "syscall_mon_cases.sh",
        "/bin/syscall_mon": BUILT / "syscall_mon",
        **_compile(folder),
    }
    image = str(NOBTF_IMAGE) if kernel == NOBTF[0] else kernel
    results = machine.run(
        kernels.kernel(image), [["sh", "/cases.sh"]], files, timeout_s=300, hide_btf=hide_btf
    )
    assert results[0].status == 0, results[0].stderr.decode()
    return results[0].stdout


@pytest.fixture(
    scope="session",
    params=[*((name, hide) for name in ("5.10", "6.1", "6.12") for hide in (False, True)), NOBTF],
    ids=lambda param: f"{param[0]}-{'without' if param[1] else 'with'}-btf",
)
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases did in one guest; workers of pytest-xdist share it."""
    for tool in ("qemu-system-aarch64", "aarch64-linux-gnu-gcc", CLANG):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    kernel, hide_btf = request.param
    if kernel == NOBTF[0] and not NOBTF_IMAGE.is_file():
        pytest.skip(f"no {NOBTF_IMAGE}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    archive = folder / f"syscall_mon-{kernel}-{hide_btf}.tar"
    with _locked(archive.with_suffix(".lock")):
        if not archive.exists():
            with _locked(folder / "syscall_mon-build.lock"):
                _build()
            archive.write_bytes(_boot(kernel, hide_btf, tmp_path_factory.mktemp("programs")))
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            data = tar.extractfile(member) if member.isfile() else None
            if data:
                files[member.name.removeprefix("./")] = data.read()
    return Guest(files, not hide_btf)
