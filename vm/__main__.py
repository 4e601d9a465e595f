"""`./dev vm`: run a program on a real arm64 kernel, list the kernels, download them."""

import sys

from base import cli

COMMANDS = {
    "run": "run a program on a kernel and exit with its status",
    "kernels": "list the kernels",
    "fetch": "download the newest kernels into the cache",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status: that of the guest's program, or 2."""
    description = "Real arm64 kernels in QEMU."
    return cli.main("vm", description, COMMANDS, "vm.cli", cli.add_mirror, arguments)


if __name__ == "__main__":
    sys.exit(main())
