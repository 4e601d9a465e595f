"""What is wrong with a compiled BPF object that the kernel or bpftool would refuse less clearly."""

from __future__ import annotations

from base.errors import DroidbpfError

# Sections that libbpf takes for data or for itself, not for programs.
LICENSE = "license"


def check(path: str, source: str) -> None:
    """Refuse an object without a license or without a program.

    Args:
        path: the object that clang wrote.
        source: the .bpf.c file, for the message.

    Raises:
        DroidbpfError: names what is missing, and how to add it.
    """
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as file:
        sections = list(ELFFile(file).iter_sections())
        names = {section.name for section in sections}
        programs = [
            section
            for section in sections
            if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & 4  # SHF_EXECINSTR
        ]
    if not any(section["sh_size"] and section.name != ".text" for section in programs):
        raise DroidbpfError(
            f"{source} has no BPF program",
            'put a function into a program section: SEC("raw_tp/sys_enter") int name(void *ctx)',
        )
    if LICENSE not in names:
        raise DroidbpfError(
            f"{source} has no license",
            'add: char LICENSE[] SEC("license") = "Dual BSD/GPL";',
        )
