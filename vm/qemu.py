"""QEMU for arm64: where it is, whether it is new enough, and the command line of a machine."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from base.errors import DroidbpfError

PROGRAM = "qemu-system-aarch64"
MINIMUM = (5, 2)
INSTALL = "install it: apt-get install qemu-system-arm"


@cache
def find(search_path: str | None = None) -> Path:
    """Give QEMU's path.

    Args:
        search_path: folders joined by ":", instead of $PATH.

    Raises:
        DroidbpfError: there is none, or it is older than MINIMUM.
    """
    found = shutil.which(PROGRAM, path=search_path)
    if found is None:
        raise DroidbpfError(f"{PROGRAM} is not installed", INSTALL)
    version = _version(found)
    if version < MINIMUM:
        needed, has = (".".join(map(str, numbers)) for numbers in (MINIMUM, version))
        raise DroidbpfError(f"{found} is version {has}, at least {needed} is needed", INSTALL)
    return Path(found)


def _version(program: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DroidbpfError(f"cannot run {program}: {error}", INSTALL) from error
    match = re.search(r"version (\d+)\.(\d+)", answer.stdout)
    if answer.returncode or not match:
        said = (answer.stderr or answer.stdout).strip()
        raise DroidbpfError(f"{program} --version does not tell a version: {said}", INSTALL)
    return tuple(int(number) for number in match.groups())


def command(
    qemu: Path,
    *,
    image: Path,
    initrd: Path,
    append: str,
    memory_mb: int,
    cpus: int,
    serial: int,
    ports: Sequence[int],
) -> list[str]:
    """Give the command line of a machine without display, disk and network.

    It dies with the thread that starts it (setpriv of util-linux: PR_SET_PDEATHSIG), so that no
    kill of ours can leave it behind. Cortex-A57 is the cheapest to emulate of those that run
    32-bit programs too. A write to a port is handed on before it ends (ioeventfd=off): else a port
    soon takes no more on a busy host, and Linux's driver then fails a write that is non-blocking,
    or beside another one.

    Args:
        append: the kernel's command line.
        serial: descriptor of a connected socket for the serial port, ttyAMA0.
        ports: descriptors of connected sockets for /dev/vport0p1, p2 ….
    """
    line = [
        "setpriv", "--pdeathsig", "KILL", "--", str(qemu),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "virt,gic-version=3", "-cpu", "cortex-a57", "-accel", "tcg,thread=multi",
        "-smp", str(cpus), "-m", str(memory_mb),
        "-kernel", str(image), "-initrd", str(initrd), "-append", append,
        "-chardev", f"socket,id=serial,fd={serial}", "-serial", "chardev:serial",
        "-device", "virtio-serial-pci,ioeventfd=off",
    ]  # fmt: skip
    for number, descriptor in enumerate(ports, start=1):
        line += ["-chardev", f"socket,id=port{number},fd={descriptor}"]
        line += ["-device", f"virtserialport,chardev=port{number},nr={number},name=port{number}"]
    return line
