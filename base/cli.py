"""The front end of every command: options, JSON, and how a command ends.

Exit statuses: what the command returns (0 done, 1 done with a negative answer); 2 failed, after
`error:` and `hint:` on stderr; 130 interrupted (Ctrl-C), 143 terminated; 141 nobody reads stdout.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from base.errors import DroidbpfError, did_you_mean, printable
from base.settings import Settings

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
CLOSED_PIPE = 128 + signal.SIGPIPE
SCHEMA = 1  # of every JSON document
WIDTH = 100  # of help; argparse would import half of the archivers to find the terminal's
CACHE = "The cache is $DROIDBPF_CACHE, by default ~/.cache/droidbpf."

AddArguments = Callable[[argparse.ArgumentParser], None]


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM came."""


def main(
    package: str,
    description: str,
    commands: Mapping[str, str],
    modules: str,
    add_common: AddArguments = lambda _: None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run one command of a package; return the exit status.

    Only the module of the command is imported. It defines add_arguments(parser) and
    run(options, settings) -> int.

    Args:
        commands: the help line of each command, by its name.
        modules: the package of the commands' modules.
        add_common: adds the options that all commands of the package have.
        arguments: the command line without the program, else sys.argv's.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return run_cli(lambda: _run(package, description, commands, modules, add_common, words))


def _run(
    package: str,
    description: str,
    commands: Mapping[str, str],
    modules: str,
    add_common: AddArguments,
    words: list[str],
) -> int:
    width = max(map(len, commands))
    listed = "\n".join(f"  {name:{width}}  {text}" for name, text in commands.items())
    top = new_parser(package, description, f"commands:\n{listed}\n\n{CACHE}")
    top.usage = f"./dev {package} COMMAND [-h] …"
    top.add_argument("command", metavar="COMMAND", help="one of the commands below")
    chosen = top.parse_args(words[:1]).command
    if chosen not in commands:
        hint = did_you_mean(chosen, commands, f"./dev {package} --help lists the commands")
        raise DroidbpfError(f"there is no command {printable(chosen)}", hint)
    module = importlib.import_module(f"{modules}.{chosen}")
    parser = new_parser(
        f"{package} {chosen}", f"{commands[chosen][0].upper()}{commands[chosen][1:]}.", CACHE
    )
    module.add_arguments(parser)
    add_common(parser)
    options = parser.parse_args(words[1:])
    settings = Settings.from_environment()._replace(
        offline=getattr(options, "offline", False), mirror=getattr(options, "mirror", "")
    )
    status: int = module.run(options, settings)
    return status


def add_mirror(parser: argparse._ActionsContainer) -> None:
    """Add --mirror and --offline."""
    parser.add_argument("--mirror", default="", help="a folder or URL that is asked first")
    add_offline(parser)


def add_offline(parser: argparse._ActionsContainer) -> None:
    """Add --offline."""
    parser.add_argument("--offline", action="store_true", help="open no socket")


def add_json(parser: argparse._ActionsContainer) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def new_parser(command: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """Return the parser of a command that `./dev` runs."""
    return argparse.ArgumentParser(
        prog=f"./dev {command}",
        description=description,
        epilog=epilog,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=WIDTH),
    )


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document as JSON, with the key "schema" before its own."""
    print(json.dumps({"schema": SCHEMA, **document}, indent=2))


def run_cli(command: Callable[[], int]) -> int:
    """Run a command; return its exit status, or that of how it ended."""
    if sys.stdout is None:  # it was closed
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = command()
        sys.stdout.flush()
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return error.status
    except _TerminatedError:
        print("error: terminated", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return CLOSED_PIPE
    except OSError as error:  # of stdout, or of temporary files
        _discard_output()
        where = printable(str(error.filename or "the output cannot be written"))
        print(f"error: {error.strerror}: {where}", file=sys.stderr)
        return DroidbpfError.status
    return status


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _TerminatedError


def _discard_output() -> None:
    """Discard what is still written to stdout, by Python's own flush at exit, too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
