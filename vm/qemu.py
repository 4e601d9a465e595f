"""QEMU for arm64: finds it, and returns the command line of a machine."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from base.errors import DroidbpfError

PROGRAM = "qemu-system-aarch64"


def find(search_path: str | None = None) -> Path:
    """Return QEMU's path.

    Args:
        search_path: folders joined by ":", instead of $PATH.

    Raises:
        DroidbpfError: QEMU is missing.
    """
    found = shutil.which(PROGRAM, path=search_path)
    if found is None:
        hint = "install it: apt-get install qemu-system-arm"
        raise DroidbpfError(f"{PROGRAM} is not installed", hint)
    return Path(found)


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
    """Return the command line of a machine without display, disk and network.

    The machine dies with the thread that starts it (setpriv of util-linux: PR_SET_PDEATHSIG), so
    it cannot outlive this process. Cortex-A57 is the cheapest processor to emulate that also runs
    32-bit programs. ioeventfd=off passes each write to a port on to the host before it returns:
    otherwise a port's queue fills on a busy host, and Linux's driver then fails writes that are
    non-blocking or concurrent.

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
