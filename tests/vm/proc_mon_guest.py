"""Real guests in which proc_mon has run in all ways.

One boot per kernel runs proc_mon_cases.sh; each test looks at what one of its cases left. The
kernel without BTF of its own gets it from a file, by $DROIDBPF_BTF.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import guests
import pytest
from guests import NOBTF, NOBTF_FILES

from btfhub import archive
from vm import initramfs

COMM = "proc_workload"
PATH = "/bin/proc_workload"


@dataclass(frozen=True)
class Child:
    """What proc_workload says of a child of its own."""

    ppid: int
    pid: int
    status: int  # wait()'s
    ns: int  # from before the fork to after the wait


class Guest(guests.Guest):
    """What the cases left in one guest, and what the workload said."""

    def children(self, case: str) -> dict[str, Child]:
        lines = [line.split() for line in self.text(f"{case}.work").splitlines()]
        return {label: Child(*map(int, rest)) for label, *rest in lines}

    def of(self, case: str, label: str) -> list[dict[str, Any]]:
        """Return the events of a case's child."""
        pid = self.children(case)[label].pid
        return [event for event in self.events(case) if event["pid"] == pid]

    def end(self, case: str, label: str) -> dict[str, Any]:
        """Return the exit event of a case's child, of which there must be exactly one."""
        (event,) = (event for event in self.of(case, label) if event["event"] == "exit")
        return event


def files_of(kernel: str, folder: Path) -> tuple[dict[str, initramfs.FileSource], dict[str, str]]:
    """Return the files and environment variables that proc_mon needs in a guest."""
    files: dict[str, initramfs.FileSource] = {
        "/bin/proc_mon": guests.build("proc_mon"),
        PATH: guests.compiled("proc_workload", folder),
    }
    if kernel != NOBTF:
        return files, {}
    (packed,) = NOBTF_FILES.glob("*.btf.tar.xz")
    return files | {"/kernel.btf": archive.unpack(packed)[1]}, {"DROIDBPF_BTF": "/kernel.btf"}


@pytest.fixture(scope="session", params=["5.10", "6.1", "6.12", NOBTF])
def proc_guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases did in one guest; workers of pytest-xdist share it."""
    guests.need("aarch64-linux-gnu-gcc")
    kernel = guests.kernel(request.param)

    def boot(folder: Path) -> bytes:
        files, env = files_of(request.param, folder)
        cpus = 1 if request.param in ("6.1", NOBTF) else 2
        return guests.run_cases(kernel, "proc_mon_cases.sh", files, env=env, cpus=cpus)

    return Guest(request.param, guests.once(tmp_path_factory, f"proc_mon-{request.param}", boot))
