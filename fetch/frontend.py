"""How a command line of ours ends: what it prints of a failure, and its exit status."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from fetch.errors import DroidbpfError

INTERRUPTED = 130


def ended(do: Callable[[], int]) -> int:
    """Do what a command line asks for; give its status.

    Returns:
        What `do` gives; 2 where it failed, after `error:` and `hint:` on stderr; 130 where it was
        interrupted; 0 where nobody reads its output on.
    """
    if sys.stdout is None:  # it was closed
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    try:
        status = do()
        sys.stdout.flush()
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:  # of stdout, or of temporary files
        _silence()
        where = error.filename or "the output cannot be written"
        print(f"error: {error.strerror}: {where}", file=sys.stderr)
        return 2
    return status


def _silence() -> None:
    """Let nothing be written to stdout any more, at the end of the process either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
