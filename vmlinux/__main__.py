"""`./dev vmlinux`: update the BTFs that vmlinux.h is generated from."""

import sys

from base import cli

COMMANDS = {"renew": "take the BTFs from the distribution's newest kernel packages"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    description = "The BTFs that vmlinux.h is generated from."
    return cli.main("vmlinux", description, COMMANDS, "vmlinux", arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
