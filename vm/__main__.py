"""`python -m vm`: run a program on a real arm64 kernel, list the kernels, fetch them beforehand."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from fetch.errors import DroidbpfError
from fetch.progress import told
from fetch.settings import Settings
from vm import kernels

GUEST_FOLDER = "/data/local/tmp"
INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + signal.SIGPIPE
ELF_MACHINES = (40, 183)  # ARM, AARCH64 in elf.h


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and give the exit status: the guest program's, or 2."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.do(options)
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return INTERRUPTED if getattr(error, "reason", "") == "interrupted" else 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads our output any more; nor will Python's own flush at the end find a reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vm", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a program on a kernel and hand its status through")
    run.add_argument("--kernel", default="5.10", help="5.10 (default), 6.1, 6.12 or an arm64 Image")
    run.add_argument("--hide-btf", action="store_true", help="let /sys/kernel/btf be empty")
    run.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help="seconds (60)")
    run.add_argument("--memory", type=int, default=512, metavar="MB", help="MiB (512)")
    run.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="HOST[:GUEST]",
        help=f"copy a file into the guest; to {GUEST_FOLDER} where no path is given",
    )
    run.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    run.add_argument("--workload", default="", metavar="CMD", help="a shell command beside it")
    run.add_argument("--demo", action="store_true", help="a workload that makes a few syscalls")
    run.add_argument(
        "program", help="a command of the guest, or an arm64 program here, which is copied in"
    )
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    run.set_defaults(do=_run)

    listing = commands.add_parser("kernels", help="list the kernels")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(do=_kernels)

    fetching = commands.add_parser("fetch", help="fetch the newest kernels into the cache")
    fetching.add_argument("kernels", nargs="*", metavar="KERNEL")
    fetching.set_defaults(do=_fetch)
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError(text)
    return value


def _run(options: argparse.Namespace) -> int:
    from vm import machine

    files = dict(_file(text) for text in options.file)
    program = options.program
    if _is_arm_program(Path(program)):
        here = Path(program)
        program = f"{GUEST_FOLDER}/{here.name}"
        files[program] = here
    with told(Settings.from_environment()) as settings:
        kernel = kernels.kernel(options.kernel, settings)
        kernels.busybox(settings)
    results = machine.run(
        kernel,
        [[program, *options.arguments]],
        files,
        timeout_s=options.timeout,
        hide_btf=options.hide_btf,
        stream=machine.terminal,
        memory_mb=options.memory,
        env=dict(_variable(text) for text in options.env),
        workload=options.workload or (machine.DEMO_WORKLOAD if options.demo else ""),
    )
    return results[0].status


def _file(text: str) -> tuple[str, Path]:
    host, _, guest = text.partition(":")
    return guest or f"{GUEST_FOLDER}/{Path(host).name}", Path(host)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise DroidbpfError(f"not NAME=VALUE: {text}")
    return name, value


def _is_arm_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError:
        return False
    return head.startswith(b"\x7fELF") and int.from_bytes(head[18:20], "little") in ELF_MACHINES


def _kernels(options: argparse.Namespace) -> int:
    found = {name: kernels.cached(name) for name in kernels.names()}
    if options.json:
        listing = [
            {
                "name": name,
                "cached": kernel is not None,
                "release": kernel.release if kernel else None,
                "package": kernel.package if kernel else None,
                "image": str(kernel.image) if kernel else None,
            }
            for name, kernel in found.items()
        ]
        print(json.dumps({"version": 1, "kernels": listing}, indent=1))
        return 0
    for name, kernel in found.items():
        print(f"{name:6}{kernel.release if kernel else 'not in the cache'}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    with told(Settings.from_environment()) as settings:
        for name in options.kernels or kernels.names():
            kernel = kernels.kernel(name, settings, renew=True)
            print(f"{name:6}{kernel.release}")
        kernels.busybox(settings, renew=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
