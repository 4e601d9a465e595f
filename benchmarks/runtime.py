"""What the choice of a BTF adds to the start of an app, on an arm64 kernel without BTF.

A guest runs two programs by turns, each a process of its own: one asks btfhub/runtime for the BTF,
with a whole hub embedded, the other one knows its path. What libbpf finds out of a kernel at the
first load it does not ask again at the next one: so the whole start is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.build import ROOT, Limit
from btfhub import archive, embed, lock, match
from btfhub.minimize import minimize
from btfhub.names import parse_name
from fetch.errors import DroidbpfError
from vm import kernels, machine

BUILT = ROOT / "build/arm64-gnu"
LIBRARIES = [BUILT / "btfhub/libdroidbpf.a"]
LIBRARIES += [BUILT / f"third_party/lib{name}.a" for name in ("bpf", "elf", "z")]
# The hub's files with all the distinct results that there are; the others equal one of them.
HUB = ("a12-5.10-2021-09", "a12-5.10-2022-05", "a13-5.10-2022-05", "a13-5.10")
FOLDERS = {"a12": "common-android12-5.10", "a13": "common-android13-5.10"}
WARM_UP = 5  # processes that QEMU translates the kernel's and the programs' code in
LIMIT_MS = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and print its figures; give 0 where all limits are met, else 1."""
    assets = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
    parser = argparse.ArgumentParser(prog="python -m benchmarks runtime", description=__doc__)
    parser.add_argument("--assets", type=Path, default=assets, help="the folder of test data")
    parser.add_argument("--rounds", type=int, default=30, help="processes of each kind [30]")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    kernel = options.assets / "kernels/android12-5.10-nobtf"
    if not (kernel / "Image.gz").is_file():
        raise DroidbpfError(f"there is no {kernel}/Image.gz", "name the folder: --assets DIR")
    if os.getloadavg()[0] > 0.5:
        print("note: the machine is busy, the figures will be noise", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        figures = measure(options.assets, kernel, options.rounds, Path(folder))
    if options.json:
        print(json.dumps([asdict(figure) | {"met": figure.met} for figure in figures], indent=1))
    else:
        for figure in figures:
            print(figure)
    return 0 if all(figure.met for figure in figures) else 1


def measure(assets: Path, kernel: Path, rounds: int, folder: Path) -> list[Limit]:
    """Give the figures of so many processes of each kind.

    Raises:
        DroidbpfError: something cannot be built, or the guest fails.
    """
    _run([sys.executable, "-m", "SCons", "-Q", "ARCH=arm64", "app=syscall_mon"])
    own, data = _embedded(assets, kernel, folder)
    source, program = folder / "embedded.c", folder / "runtime_start"
    source.write_text(embed.c_source(data))
    gcc = ["aarch64-linux-gnu-gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static"]
    gcc += [f"-I{ROOT / 'btfhub/runtime'}", f"-I{BUILT / 'btfhub'}"]
    gcc += [f"-I{ROOT / 'build/third_party/include'}", str(ROOT / "benchmarks/runtime_start.c")]
    _run([*gcc, str(source), *map(str, LIBRARIES), "-o", str(program)])
    results = machine.run(
        kernels.kernel(str(kernel / "Image.gz")),
        [["/bin/runtime_start"], ["/bin/runtime_start", "/own.btf"]] * (WARM_UP + rounds),
        {"/bin/runtime_start": program, "/own.btf": own},
        timeout_s=600,
    )
    if failed := [result for result in results.commands if result.status]:
        raise DroidbpfError(f"runtime_start failed: {failed[0].stderr.decode()}")
    times = [tuple(map(float, result.stdout.split())) for result in results.commands]
    asking, knowing = times[2 * WARM_UP :: 2], times[2 * WARM_UP + 1 :: 2]
    chosen, after = statistics.median(t[0] for t in asking), statistics.median(t[1] for t in asking)
    alone = statistics.median(sum(t) for t in knowing)
    added = statistics.median(map(sum, asking)) - alone
    return [
        Limit("embedded for a hub and one kernel, without an app", len(data), "B", 4096),
        Limit("droidbpf_btf_path() and droidbpf_btf_done()", chosen, "ms"),
        Limit("the app's own load after it", after, "ms"),
        Limit("the app's own load where the path is known", alone, "ms"),
        Limit("added to the start", added, "ms", LIMIT_MS),
    ]


def _embedded(assets: Path, kernel: Path, folder: Path) -> tuple[bytes, bytes]:
    """Give the kernel's own BTF, minimized, and what is embedded for it and the whole hub."""
    small: dict[str, bytes] = {}
    for name in HUB:
        path = assets / "btfhub" / FOLDERS[name[:3]] / f"{name}-arm64.btf.tar.xz"
        small[name] = _minimized(archive.unpack(path)[1], folder)
    names = lock.load(ROOT / "btfhub/btfhub.lock").files
    entries = [
        embed.Entry(match.key(parse_name(name)), small.get(name) or small[_like(name)])
        for name in names
    ]
    (packed,) = kernel.glob("*.btf.tar.xz")
    own = _minimized(archive.unpack(packed)[1], folder)
    entries.append(embed.Entry(match.key(parse_name(packed.name)), own))
    return own, embed.pack(entries)


def _like(name: str) -> str:
    return "a13-5.10-2022-05" if name.startswith("a13") else "a12-5.10-2022-05"


def _minimized(btf: bytes, folder: Path) -> bytes:
    raw = folder / "raw.btf"
    raw.write_bytes(btf)
    return minimize([BUILT / "btfhub/probe.bpf.o"], raw)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise DroidbpfError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
