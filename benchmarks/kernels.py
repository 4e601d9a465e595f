"""What it costs to embed the BTFs of a whole hub: time cold and unchanged, bytes in the program."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from base.errors import DroidbpfError
from base.settings import Settings
from benchmarks.build import ROOT, SCONS, Limit, copy_checkout, execute, interleaved, tell

APP = "proc_mon"
PROGRAM = f"build/arm64-gnu/apps/{APP}/{APP}"
STUB = """\
#include "droidbpf.h"

int droidbpf_btf_path(const char **path, const char *named, bool verbose)
{
	(void)named;
	(void)verbose;
	*path = 0;
	return 0;
}

void droidbpf_btf_done(void)
{
}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's own arguments."""
    assets = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
    parser.add_argument("--hub", type=Path, default=assets / "btfhub", help="a hub folder")
    parser.add_argument("--rounds", type=int, default=5, help="of each short command [5]")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 where all limits are met, else 1."""
    if not options.hub.is_dir():
        raise DroidbpfError(f"there is no hub in {options.hub}", "name one: --hub DIR")
    with tempfile.TemporaryDirectory(prefix="droidbpf-benchmark-") as folder:
        tree = Path(folder, "checkout")
        copy_checkout(tree)
        figures = measure(tree, options.hub.absolute(), options.rounds)
    return tell(figures, options.json)


def measure(tree: Path, hub: Path, rounds: int) -> list[Limit]:
    """Give all figures of builds in tree."""
    plain = [*SCONS, "ARCH=arm64", f"app={APP}"]
    embed = [*plain, "kernels=all", f"btfhub={hub}", "offline=1"]
    execute(plain, tree)
    cache = tree.parent / "cache"
    cold = execute(embed, tree, DROIDBPF_CACHE=str(cache))
    held = len(list(hub.rglob("*.btf.tar.xz")))
    pulled = len(list((cache / "sha256").iterdir()))
    embedded = tree / f"{PROGRAM}.btfs.c"
    size = embedded.read_text().count("0x")
    file, program = (tree / PROGRAM).stat().st_size, content(tree / PROGRAM)
    minimized = {file.read_bytes() for file in (tree / PROGRAM).parent.glob("btf/*.btf")}
    (unchanged,) = interleaved([(embed, tree)], rounds)
    runtime = tree / "btfhub/runtime"
    for source in runtime.glob("*.c"):
        if not source.name.endswith(".bpf.c") and not source.name.startswith("timezone"):
            source.unlink()  # the time zone is in every program, and no matter of BTFs
    (runtime / "stub.c").write_text(STUB)
    shutil.rmtree(tree / "build/arm64-gnu/btfhub")
    execute(plain, tree)
    bare_file, bare = (tree / PROGRAM).stat().st_size, content(tree / PROGRAM)
    return [
        Limit("files of the hub", held, ""),
        Limit("files pulled", pulled, ""),
        Limit(f"cold: pull, check, minimize and embed for {APP}: wall", cold.wall_s, "s", 20.0),
        Limit(f"cold: pull, check, minimize and embed for {APP}: CPU", cold.cpu_s, "s"),
        Limit("nothing changed: wall", unchanged.wall_s, "s", 1.0),
        Limit("distinct minimized BTFs", len(minimized), ""),
        Limit("minimized BTFs, before they are packed", sum(map(len, minimized)), "B"),
        Limit("embedded", size, "B", 4000),
        Limit("program without runtime and BTFs", bare, "B"),
        Limit("growth by runtime and BTFs", program - bare, "B", 16000),
        Limit("growth of the file, whose segments begin at pages of 16 KiB", file - bare_file, "B"),
    ]


def content(program: Path) -> int:
    """Give the bytes of a program's sections that are loaded from its file."""
    with program.open("rb") as file:
        return sum(
            section["sh_size"]
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] != "SHT_NOBITS"
        )
