"""`./dev btfhub minimize`: the BTFs of many kernels, as small as an app's objects need them."""

import argparse
import hashlib
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from base.cli import SCHEMA, print_json
from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import cli

if TYPE_CHECKING:
    from btfhub import kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    cli.add_app(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write HASH.btf and index.json there"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Minimize, tell which kernels share a result; give 0."""
    from base.progress import show_progress
    from btfhub import kernels, lock, processes

    cli.check_objects(options.objects)
    pins = lock.load(options.lock)
    with show_progress(settings) as shown:
        chosen = kernels.choose(options.kernels or ["all"], options.hub, pins, shown, any_name=True)
        packed = kernels.obtain(chosen, options.hub, pins, shown)

    jobs = [(kernel, packed.get(kernel.name.name)) for kernel in chosen]
    do = partial(_minimize, objects=options.objects, bpftool=options.bpftool)
    results = processes.each(do, jobs)
    blobs: dict[str, bytes] = {}
    serves: dict[str, list[str]] = {}
    for kernel, data in zip(chosen, results, strict=True):
        name = hashlib.sha256(data).hexdigest()[:16]
        blobs[name] = data
        serves.setdefault(name, []).append(kernel.name.name)
    index = [
        {"file": f"{name}.btf", "size": len(data), "kernels": serves[name]}
        for name, data in blobs.items()
    ]
    document = {"btfs": index}
    if options.out:
        _write(options.out, blobs, json.dumps({"schema": SCHEMA, **document}, indent=2))
    if options.json:
        print_json(document)
        return 0
    for row in index:
        print(f"{row['file']}  {row['size']:>6} bytes  {', '.join(row['kernels'])}")  # type: ignore[arg-type]
    total = sum(map(len, blobs.values()))
    print(f"{len(chosen)} kernels, {len(blobs)} BTFs, {total} bytes")
    return 0


def _minimize(
    job: tuple["kernels.Kernel", Path | None], objects: list[Path], bpftool: str
) -> bytes:
    from btfhub import kernels
    from btfhub.minimize import minimize

    kernel, packed = job
    with tempfile.TemporaryDirectory() as folder:
        return minimize(objects, kernels.raw(kernel, packed, Path(folder)), bpftool)


def _write(folder: Path, blobs: dict[str, bytes], index: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in blobs.items():
            (folder / f"{name}.btf").write_bytes(data)
        (folder / "index.json").write_text(f"{index}\n")
    except OSError as error:
        raise DroidbpfError(f"cannot write {folder}: {error.strerror}") from error
