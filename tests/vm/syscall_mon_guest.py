"""Real guests, with and without kernel BTF, in which syscall_mon has run in all ways.

One boot per kernel runs syscall_mon_cases.sh; each test looks at what one of its cases left.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import guests
import pytest
from guests import HERE, NOBTF

from vm import initramfs

CLANG = next(filter(shutil.which, (f"clang-{n}" for n in range(30, 10, -1))), "clang")
LINE = re.compile(
    r"pid=(?P<pid>\d+) comm=(?P<comm>[!-~]*) syscall_number=(?P<number>-?\d+)"
    r" syscall_name=(?P<name>\w+) syscall_runtime_ns=(?P<runtime>\d+)"
)
COMM = "syscall_workloa"  # 15 bytes of the program's name
KNOWN = {"getpid": 500, "openat": 100, "unknown_480": 50, "nanosleep": 5}
ENOENT, ECHILD, ENOSYS = 2, 10, 38


@dataclass(frozen=True)
class Guest(guests.Guest):
    """What the cases left in one guest."""

    has_btf: bool

    def named(self, case: str, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events(case) if event["syscall_name"] == name]

    def lines(self, case: str) -> list[re.Match[str]]:
        """Return the text events of a case that succeeded; each line has exactly the form."""
        found = [LINE.fullmatch(line) for line in self.clean(case).splitlines()]
        matches = [match for match in found if match]
        assert len(matches) == len(found)
        return matches

    def pid(self, case: str) -> int:
        """Return the process ID that the traced program printed."""
        return int(self.text(f"{case}.work").split()[1])


def _compat_workload(folder: Path) -> Path:
    """Return the 32-bit program, which clang compiles without an arm toolchain."""
    compat = folder / "compat_workload"
    clang = [CLANG, "--target=arm-linux-gnueabi", "-march=armv7-a", "-marm", "-O1", "-Wall"]
    clang += ["-Werror", "-ffreestanding", "-fno-pic", "-c", "-o", f"{compat}.o"]
    subprocess.run([*clang, HERE / "compat_workload.c"], check=True)
    linker = ["aarch64-linux-gnu-ld", "-m", "armelf_linux_eabi", f"{compat}.o", "-o", compat]
    subprocess.run(linker, check=True)
    return compat


@pytest.fixture(
    scope="session",
    params=[
        *((name, hide) for name in ("5.10", "6.1", "6.12") for hide in (False, True)),
        (NOBTF, True),
    ],
    ids=lambda param: f"{param[0]}-{'without' if param[1] else 'with'}-btf",
)
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases did in one guest; workers of pytest-xdist share it."""
    guests.need("aarch64-linux-gnu-gcc", CLANG)
    name, hide_btf = request.param
    kernel = guests.kernel(name)

    def boot(folder: Path) -> bytes:
        files: dict[str, initramfs.FileSource] = {
            "/bin/syscall_mon": guests.build("syscall_mon"),
            "/bin/syscall_workload": guests.compiled("syscall_workload", folder),
            "/bin/compat_workload": _compat_workload(folder),
        }
        cpus = 1 if hide_btf else 2
        return guests.run_cases(kernel, "syscall_mon_cases.sh", files, hide_btf=hide_btf, cpus=cpus)

    files = guests.once(tmp_path_factory, f"syscall_mon-{name}-{hide_btf}", boot)
    return Guest(name, files, not hide_btf)
