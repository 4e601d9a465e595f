"""`./dev vm run`: run a program on a kernel and exit with its status."""

import argparse
import contextlib
from functools import partial
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.progress import show_progress
from base.settings import Settings
from vm import kernels

GUEST_FOLDER = "/data/local/tmp"
ELF_MACHINES = (40, 183)  # ARM, AARCH64 in elf.h


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    known = ", ".join(kernels.SUITES)
    add = parser.add_argument
    add("--kernel", default="5.10", help=f"{known}, or the path of an arm64 Image (default: 5.10)")
    add("--hide-btf", action="store_true", help="make /sys/kernel/btf an empty folder")
    for option, default, unit in (("--timeout", 60, "seconds"), ("--memory", 512, "MiB")):
        number = partial(_positive, option)
        add(option, type=number, default=default, metavar="N", help=f"{unit} (default: {default})")
    place = f"copy a file into the guest, by default to {GUEST_FOLDER}"
    add("--file", action="append", default=[], metavar="HOST[:GUEST]", help=place)
    variable = "set a variable of the program's environment"
    add("--env", action="append", default=[], metavar="NAME=VALUE", help=variable)
    add("--workload", default="", metavar="CMD", help="run a shell command in the background")
    add("--demo", action="store_true", help="run a workload that makes a few syscalls")
    add("program", help="a command of the guest, or an arm64 program here, which is copied in")
    add("arguments", nargs=argparse.REMAINDER, help="the program's arguments")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Boot the kernel and run the program; return its exit status."""
    from vm import machine

    files = dict(_file(text) for text in options.file)
    program = options.program
    if _is_arm_program(Path(program)):
        here = Path(program)
        program = f"{GUEST_FOLDER}/{here.name}"
        files[program] = here
    with show_progress(settings) as shown:
        kernel = kernels.kernel(options.kernel, shown)
        kernels.busybox(shown)
    results = machine.run(
        kernel,
        [[program, *options.arguments]],
        files,
        timeout_s=options.timeout,
        hide_btf=options.hide_btf,
        stream=machine.terminal,
        memory_mb=int(options.memory),
        env=dict(_variable(text) for text in options.env),
        workload=options.workload or (machine.DEMO_WORKLOAD if options.demo else ""),
    )
    return results[0].status


def _positive(option: str, text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < 1e9:
            return value
    raise DroidbpfError(f"{option}={printable(text)} is not a positive number")


def _file(text: str) -> tuple[str, Path]:
    host, _, guest = text.partition(":")
    return guest or f"{GUEST_FOLDER}/{Path(host).name}", Path(host)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise DroidbpfError(f"not NAME=VALUE: {printable(text)}")
    return name, value


def _is_arm_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError:
        return False
    return head.startswith(b"\x7fELF") and int.from_bytes(head[18:20], "little") in ELF_MACHINES
