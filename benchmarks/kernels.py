"""What it costs to embed the BTFs of a whole hub: time cold and unchanged, bytes in the program."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from base.errors import DroidbpfError, printable
from base.settings import Settings
from benchmarks._figures import Figure, add_rounds, print_figures
from benchmarks._runs import ASSETS, SCONS, copied_checkout, execute, interleaved, median

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
    parser.add_argument(
        "--hub", type=Path, default=ASSETS / "btfhub", help="a hub folder (default: %(default)s)"
    )
    add_rounds(parser, 5, "each short command")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the benchmark and print its figures; return 0 if all limits are met, else 1."""
    if not options.hub.is_dir():
        shown = printable(str(options.hub))
        raise DroidbpfError(f"there is no hub in {shown}", "name one: --hub DIR")
    with copied_checkout() as tree:
        figures = measure(tree, options.hub.absolute(), options.rounds)
    return print_figures(figures, options.json)


def measure(tree: Path, hub: Path, rounds: int) -> list[Figure]:
    """Return all figures of builds in tree."""
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
            source.unlink()  # the time zone is in every program, with or without BTFs
    (runtime / "stub.c").write_text(STUB)
    shutil.rmtree(tree / "build/arm64-gnu/btfhub")
    execute(plain, tree)
    bare_file, bare = (tree / PROGRAM).stat().st_size, content(tree / PROGRAM)
    return [
        Figure("files of the hub", held, ""),
        Figure("files pulled", pulled, ""),
        Figure(f"cold: pull, check, minimize and embed for {APP}: wall", cold.wall_s, "s", 20.0),
        Figure(f"cold: pull, check, minimize and embed for {APP}: CPU", cold.cpu_s, "s"),
        Figure("nothing changed: wall", median(unchanged).wall_s, "s", 1.0),
        Figure("distinct minimized BTFs", len(minimized), ""),
        Figure("minimized BTFs, before they are packed", sum(map(len, minimized)), "B"),
        Figure("embedded", size, "B", 4000),
        Figure("program without runtime and BTFs", bare, "B"),
        Figure("growth by runtime and BTFs", program - bare, "B", 16000),
        Figure("growth of the file, in segments of 16 KiB pages", file - bare_file, "B"),
    ]


def content(program: Path) -> int:
    """Return the size in bytes of a program's sections that are loaded from its file."""
    with program.open("rb") as file:
        return sum(
            section["sh_size"]
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] != "SHT_NOBITS"
        )
