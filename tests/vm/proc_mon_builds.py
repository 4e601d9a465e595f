"""proc_mon as scons builds it with the BTFs of kernels embedded, and guests in which it ran.

The kernel without BTF is that of the test assets. Where there are none, it is the distribution's
5.10 kernel whose /sys/kernel/btf is hidden; the tests' names and a warning tell that.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import guests
import pytest
from guests import ASSETS, NOBTF, NOBTF_FILES, ROOT, locked, shared
from proc_mon_guest import PATH, Guest

from base.errors import DroidbpfError
from btfhub import archive, images
from vm import initramfs, kernels, qemu

HUB = ASSETS / "btfhub"
HAS_ASSETS = NOBTF_FILES.is_dir() and HUB.is_dir()
WITHOUT_BTF = NOBTF if HAS_ASSETS else "5.10-hidden"
OWN = "5.10.223-android12-9-nobtf"
# What each program is built with, and what runs in which guest: "NAME:PROGRAM" for each case.
BRANCHES = ["android12-5.10", "android13-5.10", "rock5b"]
CASES = {
    WITHOUT_BTF: ["none:none", "own:own", "foreign:foreign", "many:many"],
    "5.10": ["many:many", "unhide", "kernel:many"],
    "6.1": ["many:many", "unhide", "kernel:many"],
    "6.12": ["many:many", "unhide", "kernel:many"],
}


@dataclass(frozen=True)
class Builds:
    """A copy of the checkout, and the programs that were built in it.

    Attributes:
        folder: of the programs, each as NAME/proc_mon, and of the BTFs.
        selectors: what each program was built with, as kernels= takes it.
    """

    folder: Path
    selectors: dict[str, list[str]]

    def program(self, name: str) -> Path:
        return self.folder / name / "proc_mon"

    def scons(self, selectors: Iterable[str], *args: str) -> subprocess.CompletedProcess[str]:
        """Build proc_mon with these kernels' BTFs."""
        given = [f"kernels={','.join(selectors)}", f"btfhub={HUB if HAS_ASSETS else ''}"]
        command = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "app=proc_mon", *given, *args]
        done = subprocess.run(command, cwd=self.folder / "tree", capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
        return done


def image(name: str) -> str:
    """Return the argument of vm.kernels.kernel() for a kernel of CASES."""
    if name == NOBTF:
        return str(NOBTF_FILES / "Image.gz")
    return name.removesuffix("-hidden")


def _copy(into: Path) -> None:
    """Copy the checkout with what is built there of the libraries and of proc_mon."""
    here = {".git", ".venv", "tests", "docs", "build/btfhub", "build/x86_64-gnu"}

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT)
        return {
            name
            for name in names
            if str(inside / name) in here or name == "__pycache__" or name.endswith("_cache")
        }

    shutil.rmtree(into, ignore_errors=True)
    with locked(ROOT / "build/lock"):
        shutil.copytree(ROOT, into, symlinks=True, ignore=ignored)


def _selectors(folder: Path) -> dict[str, list[str]]:
    """Write the BTFs of kernels below a folder; give what each program is built with."""
    raw = {}
    for version in ("5.10", "6.1"):
        kernel = kernels.kernel(version)
        raw[version] = _written(folder / "btf", kernel.release, images.read(kernel.image))
    hidden = list(raw.values())
    if HAS_ASSETS:
        (packed,) = NOBTF_FILES.glob("*.btf.tar.xz")
        own = _written(folder / "btf", OWN, archive.unpack(packed)[1])
        return {
            "none": [],
            "own": [str(packed)],
            "foreign": ["android12-5.10"],
            "many": [own, *BRANCHES, *hidden],
        }
    other = Path(raw["6.1"]).read_bytes()
    foreign = _written(folder / "foreign-btf", Path(raw["5.10"]).stem, other)
    return {"none": [], "own": [raw["5.10"]], "foreign": [foreign], "many": hidden}


def _written(folder: Path, release: str, data: bytes) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / f"{release}.btf"
    path.write_bytes(data)
    return str(path)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """The programs, built once for all workers."""
    if not HAS_ASSETS:
        warnings.warn(
            f"no {NOBTF_FILES} or no {HUB}: instead of a kernel without BTF the tests took the"
            " distribution's 5.10 kernel and hid its /sys/kernel/btf",
            stacklevel=1,
        )
    guests.need("aarch64-linux-gnu-gcc", "bpftool")
    base = shared(tmp_path_factory)
    folder = base / "proc_mon-btf"
    with locked(base / "proc_mon-btf.lock"):
        folder.mkdir(exist_ok=True)
        try:
            qemu.find()
            found = Builds(folder, _selectors(folder))
        except DroidbpfError as error:
            pytest.skip(f"no kernels here: {error.message}")
        if not (folder / "done").exists():
            guests.build("proc_mon")
            _copy(folder / "tree")
            for name, selectors in found.selectors.items():
                found.scons(selectors, "offline=1")
                found.program(name).parent.mkdir(exist_ok=True)
                for made in (folder / "tree/build/arm64-gnu/apps/proc_mon").glob("proc_mon*"):
                    if made.name in ("proc_mon", "proc_mon.btfs.c"):
                        shutil.copy2(made, folder / name)
            (folder / "done").touch()
    return found


@pytest.fixture(scope="session", params=list(CASES))
def btf_guest(
    request: pytest.FixtureRequest, builds: Builds, tmp_path_factory: pytest.TempPathFactory
) -> Guest:
    """What the programs did on one kernel whose BTF, if it has any, is hidden at first."""
    kernel = guests.kernel(request.param.removesuffix("-hidden"))
    cases = CASES[request.param]

    def boot(folder: Path) -> bytes:
        files: dict[str, initramfs.FileSource] = {PATH: guests.compiled("proc_workload", folder)}
        for program in {case.partition(":")[2] for case in cases} - {""}:
            files[f"/{program}/proc_mon"] = builds.program(program)
        return guests.run_cases(kernel, "proc_mon_btf_cases.sh", files, *cases, hide_btf=True)

    files = guests.once(tmp_path_factory, f"proc_mon-btf-{request.param}", boot)
    return Guest(request.param, {**files, "release": kernel.release.encode()})
