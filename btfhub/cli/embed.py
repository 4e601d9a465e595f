"""`./dev btfhub embed`: the C file that embeds minimized BTFs in an app."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from btfhub import embed, match
from btfhub.answers import Faults
from btfhub.file_errors import file_errors, write_file
from btfhub.names import parse_name

_EMPTY = "/* The app has no CO-RE relocations: it needs no BTF. */\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "btfs",
        nargs="+",
        type=Path,
        metavar="BTF",
        help="KERNEL.btf and, beside it, KERNEL.json, as minimize writes them",
    )
    parser.add_argument("--app", default="the app", metavar="NAME", help="its name, for warnings")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the C file")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write the C file, and warn of faults; return 0."""
    entries, faults = [], {}
    for path in options.btfs:
        name = parse_name(path.name)
        faults[name.name] = found = _faults(path.with_suffix(".json"))
        with file_errors("read", path):
            content = path.read_bytes()
        entries.append(embed.Entry(match.key(name), content, bool(found.unreliable)))
    source = _EMPTY
    if any(entry.btf for entry in entries):
        _warn(options.app, faults)
        source = embed.c_source(embed.pack(entries))
    else:
        print(f"{printable(options.app)} has no CO-RE relocations: no BTF is embedded")
    write_file(options.out, source)
    return 0


def _faults(path: Path) -> Faults:
    """Read the file beside a minimized BTF."""
    with file_errors("read", path):
        content = path.read_bytes()
    try:
        return Faults(**json.loads(content))
    except (ValueError, TypeError) as error:
        message = f"{printable(str(path))} is damaged"
        raise DroidbpfError(message, "remove it and build again") from error


def _warn(app: str, faults: Mapping[str, Faults]) -> None:
    """Print what will go wrong at run time, each once for all kernels that share it."""
    for kind, what in (
        ("unreliable", "may be elsewhere than the BTF says; the app then refuses to run"),
        ("missing", "is not in the kernel; the app does not load there"),
    ):
        kernels: dict[str, list[str]] = {}
        for name, found in faults.items():
            for field in getattr(found, kind):
                kernels.setdefault(field, []).append(name)
        for field, names in kernels.items():
            listed = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
            line = f"warning: {app} on {listed}: {field} {what}"
            print(printable(line), file=sys.stderr)
