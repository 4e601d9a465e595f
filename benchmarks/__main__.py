"""`./dev benchmarks`: measure what the README claims, each figure against its limit."""

import argparse
import sys

from base import cli

COMMANDS = {
    "build": "what a build costs: clean, null, after one change",
    "peers": "libbpf-tools, built here and by their own Makefile",
    "kernels": "what embedding the BTFs of a hub costs",
    "resolve": "what the choice of a BTF takes",
    "hub": "pulling a hub in parallel",
    "btf_gate": "damaged BTFs against the check that each must pass",
    "runtime": "what the choice and the probe of a BTF take on a device",
    "syscall_mon": "what tracing costs the traced program",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark; return 0 if it reached its targets, 1 if not, 2 where it could not run."""
    description = "Measure what the README claims, each figure against its limit."
    return cli.main("benchmarks", description, COMMANDS, "benchmarks", _add_common, arguments)


def _add_common(parser: argparse.ArgumentParser) -> None:
    cli.add_json(parser)


if __name__ == "__main__":
    sys.exit(main())
