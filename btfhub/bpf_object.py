"""What a compiled BPF object must have; the kernel and bpftool refuse it less clearly."""

from pathlib import Path

from base.errors import DroidbpfError
from btfhub import elf

LICENSE = "license"
SUBPROGRAMS = ".text"  # functions that programs call


def check(path: Path, source: str) -> None:
    """Refuse an object without a license or without a program.

    Args:
        path: the object that clang wrote.
        source: the .bpf.c file, for the message.

    Raises:
        DroidbpfError: names what is missing, and how to add it.
    """
    with path.open("rb") as file:
        sections = elf.read(file).sections
    programs = [
        section
        for section in sections
        if section.type == elf.PROGRAM and section.flags & elf.CODE and section.size
    ]
    if all(section.name == SUBPROGRAMS for section in programs):
        raise DroidbpfError(
            f"{source} has no BPF program",
            'put a function into a program section: SEC("raw_tp/sys_enter") int name(void *ctx)',
        )
    if LICENSE not in {section.name for section in sections}:
        raise DroidbpfError(
            f"{source} has no license",
            'add: char LICENSE[] SEC("license") = "Dual BSD/GPL";',
        )
