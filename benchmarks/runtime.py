"""What the choice of a BTF costs at the start of an app, on an arm64 kernel without BTF.

Each process of the guest chooses once, from the hub's BTFs, embedded as for proc_mon, and one more
that fits: it is unpacked, probed and chosen. The time includes libbpf's first look at the kernel,
which the app's own load then skips.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from base.errors import DroidbpfError, printable, printable_lines
from base.settings import Settings
from benchmarks._figures import Figure, add_rounds, print_figures, warn_if_busy
from benchmarks._runs import ASSETS, ROOT, SCONS, execute, scratch
from btfhub import archive, embed, lock, match
from btfhub.minimize import relocate
from btfhub.names import parse_name
from vm import kernels, machine

APP = "proc_mon"
BUILT = ROOT / "build/arm64-gnu"
OBJECTS = [BUILT / "btfhub/probe.bpf.o", BUILT / f"apps/{APP}/{APP}.bpf.o"]
LIBRARIES = [BUILT / "btfhub/libdroidbpf.a"]
LIBRARIES += [BUILT / f"third_party/lib{name}.a" for name in ("bpf", "elf", "z")]
# Files of the hub with all distinct results; each of the others equals one of these.
HUB = ("a12-5.10-2021-09", "a12-5.10-2022-05", "a13-5.10-2022-05", "a13-5.10")
FOLDERS = {"a12": "common-android12-5.10", "a13": "common-android13-5.10"}
WARM_UP = 5  # processes, during which QEMU translates the code
LIMIT_MS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    parser.add_argument(
        "--assets", type=Path, default=ASSETS, help="the folder of test data (default: %(default)s)"
    )
    add_rounds(parser, 30, "the process")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    kernel = options.assets / "kernels/android12-5.10-nobtf"
    if not (kernel / "Image.gz").is_file():
        shown = printable(str(kernel))
        raise DroidbpfError(f"there is no {shown}/Image.gz", "name the folder: --assets DIR")
    warn_if_busy()
    with scratch() as folder:
        figures = measure(options.assets, kernel, options.rounds, folder)
    return print_figures(figures, options.json)


def measure(assets: Path, kernel: Path, rounds: int, folder: Path) -> list[Figure]:
    """Return the figures of this many processes.

    Raises:
        DroidbpfError: something cannot be built, or the guest fails.
    """
    targets = [str(path.relative_to(ROOT)) for path in (*OBJECTS, *LIBRARIES)]
    hub = [f"kernels={HUB[0]}", f"btfhub={assets / 'btfhub'}"]  # builds the probe
    execute([*SCONS, "ARCH=arm64", f"app={APP}", *hub, *targets])
    data = _embedded(assets, kernel)
    source, program = folder / "embedded.c", folder / "runtime_start"
    source.write_text(embed.c_source(data))
    gcc = ["aarch64-linux-gnu-gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static"]
    gcc += [f"-I{ROOT / 'btfhub/runtime'}", str(ROOT / "benchmarks/runtime_start.c")]
    execute([*gcc, str(source), *map(str, LIBRARIES), "-o", str(program)])
    results = machine.run(
        kernels.kernel(str(kernel / "Image.gz")),
        [["/bin/runtime_start"]] * (WARM_UP + rounds),
        {"/bin/runtime_start": program},
        timeout_s=600,
    )
    if failed := [result for result in results.commands if result.status]:
        errors = printable_lines(failed[0].stderr.decode(errors="replace").strip())
        raise DroidbpfError(f"runtime_start failed: {errors}")
    times = [float(result.stdout) for result in results.commands[WARM_UP:]]
    return [
        Figure("embedded for the hub and one more kernel", len(data), "B", 4096),
        Figure("droidbpf_btf_path() and droidbpf_btf_done(), the fastest", min(times), "ms"),
        Figure("the same, median", statistics.median(times), "ms", LIMIT_MS),
    ]


def _embedded(assets: Path, kernel: Path) -> bytes:
    """Return the bytes that a program embeds for the whole hub and this kernel."""
    small: dict[str, bytes] = {}
    for name in HUB:
        path = assets / "btfhub" / FOLDERS[name[:3]] / f"{name}-arm64.btf.tar.xz"
        small[name] = _minimized(archive.unpack(path)[1])
    names = lock.load(ROOT / "btfhub/btfhub.lock").files
    entries = [
        embed.Entry(match.key(parse_name(name)), small.get(name) or small[_like(name)])
        for name in names
    ]
    (packed,) = kernel.glob("*.btf.tar.xz")
    own = _minimized(archive.unpack(packed)[1])
    entries.append(embed.Entry(match.key(parse_name(packed.name)), own))
    return embed.pack(entries)


def _like(name: str) -> str:
    return "a13-5.10-2022-05" if name.startswith("a13") else "a12-5.10-2022-05"


def _minimized(btf: bytes) -> bytes:
    return relocate(OBJECTS, btf, "kernel")[1]
