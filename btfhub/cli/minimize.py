"""`./dev btfhub minimize`: the BTFs of kernels, as small as an app's objects need them."""

import argparse
import hashlib
import json
from functools import partial
from pathlib import Path

from base.cli import SCHEMA, print_json
from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import answers, cli, kernels, objects, processes
from btfhub.examine import examine
from btfhub.file_errors import write_file
from btfhub.minimize import relocate
from btfhub.names import parse_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_app(parser)
    parser.add_argument(
        "--probe",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="keep what this object reads, too, but report no faults of it; may be repeated",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write HASH.btf and index.json there"
    )
    one = parser.add_argument_group("for one KERNEL, which is a file")
    one.add_argument("--out-btf", type=Path, metavar="FILE", help="write the BTF there")
    one.add_argument(
        "--out-faults",
        type=Path,
        metavar="FILE",
        help="write there what the kernel lacks, or may have elsewhere, of what the app reads",
    )
    one.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="the pinned hash of the raw BTF, in place of a check of its content",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Minimize; print which kernels share a result; return 0."""
    cli.check_objects([*options.probe, *options.objects])
    if options.out_btf or options.out_faults or options.sha256:
        return _one(options)
    given = cli.obtained(options, settings)
    shared: dict[bytes, list[str]] = {}
    for kernel, data in zip(given, processes.each(partial(_minimize, options), given), strict=True):
        shared.setdefault(data, []).append(kernel.name.name)
    rows = [
        {
            "file": f"{hashlib.sha256(data).hexdigest()[:16]}.btf",
            "size": len(data),
            "kernels": names,
        }
        for data, names in shared.items()
    ]
    if options.out:
        for row, data in zip(rows, shared, strict=True):
            write_file(options.out / str(row["file"]), data)
        document = json.dumps({"schema": SCHEMA, "btfs": rows}, indent=2)
        write_file(options.out / "index.json", f"{document}\n")
    if options.json:
        print_json({"btfs": rows})
        return 0
    for row, (data, names) in zip(rows, shared.items(), strict=True):
        print(f"{row['file']}  {len(data):>6} bytes  {', '.join(names)}")
    print(f"{len(given)} kernels, {len(rows)} BTFs, {sum(map(len, shared))} bytes")
    return 0


def _minimize(options: argparse.Namespace, kernel: kernels.Kernel) -> bytes:
    both = [*options.probe, *options.objects]
    return relocate(both, kernels.read(kernel), kernel.name.name, options.bpftool)[1]


def _one(options: argparse.Namespace) -> int:
    if len(options.kernels) != 1 or not options.out_btf or options.out:
        raise DroidbpfError(
            "--out-btf, --out-faults and --sha256 are for one kernel",
            "name one file, and --out-btf; --out DIR is for several kernels",
        )
    path = Path(options.kernels[0])
    found, minimized = answers.Faults(), b""
    if any(map(objects.count, options.objects)):
        data = kernels.read_file(path, options.sha256)
        kernel, minimized = examine(
            parse_name(path.name), data, options.objects, options.bpftool, options.probe
        )
        found = answers.faults(kernel)
    if options.out_faults:
        write_file(options.out_faults, json.dumps(found._asdict(), indent=1) + "\n")
    write_file(options.out_btf, minimized)
    return 0
