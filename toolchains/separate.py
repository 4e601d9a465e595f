"""Separate a program from its debug information, for toolchains that bring no objcopy.

    separate.py --only-keep-debug PROGRAM DEBUG
    separate.py --strip-all --add-gnu-debuglink=DEBUG PROGRAM
    separate.py --strip-debug --add-gnu-debuglink=DEBUG PROGRAM

These are the command lines of objcopy(1) that a build needs, with the same meaning, for 64-bit
little-endian ELF files as linkers write them: first what is loaded, in segments, then the rest.
DEBUG is the whole program as it was linked; debuggers accept that.
"""

from __future__ import annotations

import os
import shutil
import struct
import sys
import zlib
from typing import NamedTuple

COMMAND = (sys.executable, "-I", os.path.relpath(__file__))
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr of elf(5)
SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
MAGIC = b"\x7fELF\x02\x01\x01"
PROGBITS, SYMTAB, NOBITS = 1, 2, 8
ALLOC = 0x2
STRIPS = {"--strip-all": False, "--strip-debug": True}  # option: whether it keeps the symbols
LINK = "--add-gnu-debuglink="


class Section(NamedTuple):
    """A section header, as in elf(5)."""

    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int


INACTIVE = Section(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def strip(program: bytes, debug_name: str, debug: bytes, *, symbols: bool = False) -> bytes:
    """Return a program reduced to what is loaded, with a link to the file that has the rest.

    A removed section becomes inactive (SHT_NULL) where others follow whose numbers are in use.

    Args:
        debug_name: the file's name without its folder.
        debug: the file's content, whose checksum the link holds.
        symbols: keep the symbol table.

    Raises:
        ValueError: it is not an ELF file as linkers write them.
    """
    if not program.startswith(MAGIC):
        raise ValueError("it is not a 64-bit little-endian ELF file")
    header = list(HEADER.unpack_from(program))
    table, count, names = header[6], header[12], header[13]
    old = [Section(*SECTION.unpack_from(program, table + i * SECTION.size)) for i in range(count)]
    data = [program[s.offset : s.offset + s.size] for s in old]
    linked = debug_name.encode() + b"\0"
    linked += bytes(-len(linked) % 4) + struct.pack("<I", zlib.crc32(debug))
    old.append(Section(len(data[names]), PROGBITS, 0, 0, 0, 0, 0, 0, 4, 0))
    added = {names: data[names] + b".gnu_debuglink\0", count: linked}
    for i, section in enumerate(old):
        if symbols and section.type == SYMTAB:
            added |= {i: data[i], section.link: data[section.link]}
    last = count if symbols else max(i for i, s in enumerate(old) if s.flags & ALLOC)
    end = max(s.offset + s.size for s in old if s.flags & ALLOC and s.type != NOBITS)
    content = program[:end]
    sections = []
    for i, section in enumerate(old):
        if section.flags & ALLOC:
            is_there = old[section.link].flags & ALLOC or section.link in added
            sections.append(section if is_there else section._replace(link=0))
        elif 0 < section.offset < end and section.type != NOBITS:
            raise ValueError("something that is not loaded comes before something that is")
        elif i in added:
            if i == names:
                header[13] = len(sections)
            content += bytes(-len(content) % section.align)
            sections.append(section._replace(offset=len(content), size=len(added[i])))
            content += added[i]
        elif i < last:
            sections.append(INACTIVE)
    content += bytes(-len(content) % 8)
    header[6], header[12] = len(content), len(sections)
    content += b"".join(SECTION.pack(*section) for section in sections)
    return HEADER.pack(*header) + content[HEADER.size :]


def _main(*words: str) -> None:
    if words[0] == "--only-keep-debug":
        shutil.copyfile(*words[1:])
        return
    *options, link, program = words
    path = link.removeprefix(LINK)
    if options not in ([option] for option in STRIPS) or path == link:
        raise ValueError(f"the options are one of {', '.join(STRIPS)} and {LINK}FILE")
    with open(path, "rb") as file, open(program, "r+b") as stripped:  # noqa: PTH123
        name = os.path.basename(path)  # noqa: PTH119
        content = strip(stripped.read(), name, file.read(), symbols=STRIPS[options[0]])
        stripped.seek(0)
        stripped.write(content)
        stripped.truncate()


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except (struct.error, IndexError, OverflowError):
        sys.exit(f"separate.py: {sys.argv[-1]}: the file is cut short or damaged")
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"separate.py: {sys.argv[-1]}: {error}")
