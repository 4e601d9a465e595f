"""bcc's libbpf-tools, built unmodified, on a real arm64 kernel: they load, attach and end.

The table of docs/reference/libbpf-tools.md has the result of each. Tests try CHOSEN, or all of them
with DROIDBPF_TEST_LIBBPF_TOOLS=all, which takes some minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import guests
import pytest

from base.errors import DroidbpfError
from base.settings import Settings
from benchmarks import _peers
from vm import initramfs, machine

ATTACHED, IN_PART, NOT = "attached", "attached in part", "no"
# Of each kind of program: kprobes, fentry, tp_btf, tracepoints, perf events, uprobes.
CHOSEN = (
    "bindsnoop", "biolatency", "bitesize", "capable", "cpudist", "execsnoop", "exitsnoop",
    "filelife", "filetop", "gethostlatency", "hardirqs", "llcstat", "opensnoop", "profile",
    "runqlat", "runqlen", "sigsnoop", "softirqs", "solisten", "statsnoop", "syscount",
    "tcpconnect", "tcplife", "tcpstates", "vfsstat", "wakeuptime",
)  # fmt: skip
LEAST = 20
# Those of CHOSEN whose BPF programs the workload, the scheduler or the timer makes run.
RUN = (
    "capable", "cpudist", "execsnoop", "exitsnoop", "filelife", "filetop", "hardirqs", "opensnoop",
    "profile", "runqlat", "runqlen", "sigsnoop", "statsnoop", "syscount", "tcpconnect", "tcplife",
    "tcpstates", "vfsstat", "wakeuptime",
)  # fmt: skip
# Two at a time on slow processors: little to do, but something for each kind of tool.
WORKLOAD = "while :; do cat /proc/loadavg; nc -w 1 127.0.0.1 80; sleep 0.3; done"
SIGINT = 130  # as a shell gives it


def documented() -> dict[str, tuple[str, str]]:
    """Return the command and the documented result of each program."""
    page = guests.ROOT / "docs/reference/libbpf-tools.md"
    text = page.read_text().partition("\n## Running\n")[2]
    rows = re.findall(r"^\| `((\S+).*?)` \| (.+) \|$", text, re.MULTILINE)
    return {name: (command, verdict) for command, name, verdict in rows}


def sources() -> Path:
    """Return the folder of the sources; the test skips if they cannot be downloaded."""
    try:
        return _peers.libbpf_tools(Settings.from_environment())
    except DroidbpfError as error:
        pytest.skip(f"no sources of libbpf-tools here: {error.message}")


def build(folder: Path, names: list[str]) -> None:
    command = [sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "toolchain=gnu"]
    command += [f"apps_dir={folder}", f"app={','.join(names)}"]
    built = subprocess.run(command, cwd=guests.ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


class Tools(guests.Guest):
    """What the programs left in the guest."""

    def opened(self, name: str) -> list[dict[str, str]]:
        """Return what /proc/PID/fdinfo showed of each file descriptor of a program."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for line in self.text(f"{name}.fds").splitlines():
            descriptor, key, value = line.split(":", 2)
            found[descriptor][key] = value.strip()
        return list(found.values())

    def verdict(self, name: str) -> str:
        """Return whether a program attached all BPF programs that it loaded, some, or none."""
        opened = self.opened(name)
        loaded = {each["prog_id"] for each in opened if "prog_type" in each}
        linked = {each["prog_id"] for each in opened if "link_type" in each}
        assert linked <= loaded
        return ATTACHED if linked and linked == loaded else IN_PART if linked else NOT


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """What the chosen programs did in a guest; workers of pytest-xdist share it."""
    guests.need("aarch64-linux-gnu-gcc")
    kernel = guests.kernel("6.12")
    folder = sources()

    def boot(_: Path) -> bytes:
        names = chosen()
        build(folder, names)
        files: dict[str, initramfs.FileSource] = {
            f"/bin/{name}": guests.APPS / name / name for name in names
        }
        files["/cases.txt"] = "".join(f"{documented()[name][0]}\n" for name in names).encode()
        files["/run.txt"] = "".join(f"{name}\n" for name in RUN).encode()
        files["/lib/libc.so.6"] = libc()
        files["/cases.sh"] = guests.HERE / "libbpf_tools_cases.sh"
        # One processor: with two, QEMU now and then loses a probe, see `cpus` of machine.run().
        run = machine.run(
            kernel, [["sh", "/cases.sh"]], files, timeout_s=600, workload=WORKLOAD, cpus=1
        )
        assert run[0].status == 0, run[0].stderr.decode()
        return run[0].stdout

    return Tools("6.12", guests.once(tmp_path_factory, "libbpf-tools", boot))


def chosen() -> list[str]:
    everything = os.environ.get("DROIDBPF_TEST_LIBBPF_TOOLS") == "all"
    return sorted(documented() if everything else CHOSEN)


def libc() -> Path:
    """Return the target's C library, in whose functions gethostlatency puts its uprobes."""
    command = ["aarch64-linux-gnu-gcc", "-print-file-name=libc.so.6"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def test_every_program_of_the_sources_is_documented() -> None:
    assert sorted(documented()) == _peers.apps(sources())


def test_programs_attach_as_documented(tools: Tools) -> None:
    found = {name: tools.verdict(name) for name in chosen()}
    assert found == {name: documented()[name][1].partition(":")[0] for name in chosen()}
    assert list(found.values()).count(ATTACHED) >= LEAST


def test_programs_that_attached_end_at_an_interrupt(tools: Tools) -> None:
    attached = [name for name in chosen() if tools.verdict(name) != NOT]
    statuses = {name: int(tools.text(f"{name}.status")) for name in attached}
    assert {name: s for name, s in statuses.items() if s not in (0, SIGINT)} == {}


def test_programs_that_cannot_attach_say_so(tools: Tools) -> None:
    refused = [name for name in chosen() if tools.verdict(name) == NOT]
    assert refused
    assert [name for name in refused if not tools.text(f"{name}.err")] == []


def test_the_kernel_has_run_what_was_attached(tools: Tools) -> None:
    counts = {name: [int(e.get("run_cnt", 0)) for e in tools.opened(name)] for name in RUN}
    assert [name for name, counted in counts.items() if not any(counted)] == []


def test_what_they_print_is_what_the_guest_did(tools: Tools) -> None:
    executed = r"^exe +\d+ +\d+ +0 /proc/self/exe /proc/loadavg *$"
    assert re.search(executed, tools.text("execsnoop.out"), re.MULTILINE)
    opened = r"^\d+ +cat +\d+ +0 +/proc/loadavg *$"
    assert re.search(opened, tools.text("opensnoop.out"), re.MULTILINE)
    connected = r"^\d+ +nc +4 +127\.0\.0\.1 +127\.0\.0\.1 +80 *$"
    assert re.search(connected, tools.text("tcpconnect.out"), re.MULTILINE)
