"""`./dev benchmarks`: measure what the documentation claims, each figure against its limit."""

import sys

from base import cli

COMMANDS = {
    "build": "what a build costs: clean, null, after one change",
    "peers": "building libbpf-tools, with droidbpf and with their own Makefile",
    "kernels": "what embedding the BTFs of a hub costs",
    "resolve": "what `./dev btfhub resolve` costs beyond the start of Python",
    "hub": "what pulling a hub in parallel saves",
    "runtime": "what choosing and probing a BTF costs at the start of an app",
    "syscall_mon": "what tracing costs the traced program",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a benchmark; return 0 if all limits are met, 1 if not, 2 if it could not run."""
    description = "Measure what the documentation claims, each figure against its limit."
    return cli.main("benchmarks", description, COMMANDS, "benchmarks", cli.add_json, arguments)


if __name__ == "__main__":
    sys.exit(main())
