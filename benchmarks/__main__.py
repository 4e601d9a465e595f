"""Runs one benchmark, a module of this folder: `python -m benchmarks NAME [options]`."""

import importlib
import sys
from pathlib import Path

from fetch.errors import DroidbpfError

BENCHMARKS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main(arguments: list[str]) -> int:
    """Run the benchmark that the first argument names; give the exit status.

    Returns:
        What the benchmark's main() gives: 0 if it reached its targets, 1 if not; 2 where it could
        not run.
    """
    if not arguments or arguments[0] not in BENCHMARKS:
        print(f"usage: python -m benchmarks {'|'.join(BENCHMARKS)} [options]", file=sys.stderr)
        return 2
    try:
        status: int = importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
