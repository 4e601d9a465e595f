"""`./dev btfhub encode`: make a hub file from a vmlinux or from a device's BTF."""

import argparse
import shlex
import sys
from pathlib import Path

from base.cli import print_json
from base.errors import DroidbpfError
from base.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a vmlinux with BTF or DWARF, raw BTF (a device's /sys/kernel/btf/vmlinux), an arm64"
        " Image with BTF, packed by gzip or not",
    )
    parser.add_argument("--release", default="", help="its kernel, by `uname -r`")
    parser.add_argument("--name", default="", help="or the name in the hub: a12-5.10-2023-05")
    parser.add_argument(
        "--out", type=Path, default=Path("hub"), metavar="DIR", help="the hub [hub]"
    )
    parser.add_argument("--replace", action="store_true", help="replace another file of this name")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write the file; return 0."""
    from btfhub import archive, btf, encode, names

    if bool(options.release) == bool(options.name):
        raise DroidbpfError(
            "name its kernel: --release or --name",
            "--release takes what `adb shell uname -r` prints",
        )
    if options.release:
        names.parse_release(options.release)
    name = options.release or options.name
    path = encode.encode(options.source, name, options.out, replace=options.replace)
    data = archive.unpack(path)[1]
    types = len(btf.walk(data).starts) - 1
    if options.json:
        row = {"file": str(path), "name": name, "types": types, "btf_size": len(data)}
        print_json({**row, "size": path.stat().st_size})
        return 0
    print(f"{path}: {types} types, {len(data)} bytes packed to {path.stat().st_size}")
    hub = shlex.quote(str(options.out))
    print(f"next: ./dev btfhub index {hub}    makes {hub} a hub", file=sys.stderr)
    print(f"      ./dev btfhub lock --hub {hub}    pins it for builds", file=sys.stderr)
    return 0
