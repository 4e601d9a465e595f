"""Makes small ELF files, sound or not, of sections."""

from __future__ import annotations

import struct
from typing import NamedTuple

PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8
BPF, ARM64 = 247, 183
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")


class Section(NamedTuple):
    """A section; `at` and `size` say where its header claims it is, in place of where it is."""

    name: str
    data: bytes = b""
    type: int = PROGBITS
    link: int = 0
    at: int | None = None
    size: int | None = None


def elf(*sections: Section, machine: int = BPF, repeat: int = 1, shoff: int | None = None) -> bytes:
    """Return a 64-bit ELF file of these sections, behind one without a name.

    Args:
        repeat: how often the header of each section is there.
        shoff: where the file's header claims that the section headers are.
    """
    named = [*sections, Section(".shstrtab", type=STRTAB)]
    names = b"\0" + b"".join(section.name.encode() + b"\0" for section in named)
    body, headers = b"", [bytes(_SECTION.size)]
    for section in named:
        data = names if section.name == ".shstrtab" else section.data
        place = _HEADER.size + len(body) if section.at is None else section.at
        size = len(data) if section.size is None else section.size
        title = names.index(b"\0" + section.name.encode() + b"\0") + 1
        header = _SECTION.pack(title, section.type, 0, 0, place, size, section.link, 0, 1, 0)
        headers += [header] * (1 if section.name == ".shstrtab" else repeat)
        body += data
    table = _HEADER.size + len(body) if shoff is None else shoff
    number = len(headers)
    ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
    counts = (64, 0, 0, _SECTION.size, number, number - 1)
    head = _HEADER.pack(ident, 1, machine, 1, 0, 0, table, 0, *counts)
    return head + body + b"".join(headers)
