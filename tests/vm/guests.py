"""Guests in which an app has run in all ways: booted once, looked at by many tests.

A script runs the app's cases, with monitor_cases.sh, and prints a tar archive of what they left.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from base.errors import DroidbpfError
from vm import initramfs, kernels, machine, qemu

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
APPS = ROOT / "build/arm64-gnu/apps"
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
# A kernel like android12-5.10's: built without BTF and without syscall tracepoints.
NOBTF = "android12-5.10-nobtf"
NOBTF_FILES = ASSETS / "kernels" / NOBTF


@dataclass(frozen=True)
class Guest:
    """What the cases left in one guest."""

    name: str
    files: dict[str, bytes]

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def clean(self, case: str) -> str:
        """Return the output of a case that succeeded, with an empty stderr."""
        assert self.text(f"{case}.err") == ""
        assert self.text(f"{case}.status") == "0\n"
        return self.text(f"{case}.out")

    def events(self, case: str) -> list[dict[str, Any]]:
        """Return the JSON events of a case that succeeded."""
        return [json.loads(line) for line in self.clean(case).splitlines()]

    def refusals(self) -> dict[str, str]:
        """Return the error for each bad request, by its options; stdout is empty."""
        assert self.text("bad.out") == ""
        found = re.findall(r"^> (.*)\n((?:.*\n)*?)= 1$", self.text("bad.err"), re.MULTILINE)
        return dict(found)


def need(*tools: str) -> None:
    """Skip the test where a program is missing."""
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


def kernel(name: str) -> kernels.Kernel:
    """Return a kernel by its name, or NOBTF; the test skips if there is none."""
    if name == NOBTF and not NOBTF_FILES.is_dir():
        pytest.skip(f"no {NOBTF_FILES}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    try:
        qemu.find()
        return kernels.kernel(str(NOBTF_FILES / "Image.gz") if name == NOBTF else name)
    except DroidbpfError as error:
        pytest.skip(f"no kernel {name} here: {error.message}")


def compiled(name: str, folder: Path) -> Path:
    """Return a program for the guests, compiled from the .c file of this folder."""
    gcc = ["aarch64-linux-gnu-gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
    subprocess.run([*gcc, HERE / f"{name}.c", "-o", folder / name], check=True)
    return folder / name


def build(app: str) -> Path:
    """Build an app with no BTF embedded; give its program."""
    command = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", f"app={app}"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return APPS / app / app


def run_cases(
    kernel: kernels.Kernel,
    script: str,
    files: Mapping[str, initramfs.FileSource],
    *cases: str,
    hide_btf: bool = False,
    env: Mapping[str, str] | None = None,
    cpus: int = 2,
) -> bytes:
    """Return the archive that a script of this folder prints in a guest.

    Half of an app's guests have one processor: it costs a quarter less to emulate than two.
    """
    scripts = {"/cases.sh": HERE / script, "/monitor_cases.sh": HERE / "monitor_cases.sh"}
    command = [["sh", "/cases.sh", *cases]]
    (result,) = machine.run(
        kernel, command, {**scripts, **files}, timeout_s=300, hide_btf=hide_btf, env=env, cpus=cpus
    ).commands
    assert result.status == 0, result.stderr.decode()
    return result.stdout


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep the other workers of pytest-xdist, and builds, out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], bytes]
) -> dict[str, bytes]:
    """Return the files of an archive that one of the workers makes, with a folder for programs."""
    archive = shared(tmp_path_factory) / f"{name}.tar"
    with locked(archive.with_suffix(".lock")):
        if not archive.exists():
            archive.write_bytes(make(tmp_path_factory.mktemp("programs")))
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        for member in tar:
            if data := tar.extractfile(member):
                files[member.name.removeprefix("./")] = data.read()
    return files
