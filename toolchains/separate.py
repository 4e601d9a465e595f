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
SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym
MAGIC = b"\x7fELF\x02\x01\x01"
PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8
RESERVED = 0xFF00  # SHN_LORESERVE: from here on, a symbol's section is not in the table
ALLOC, INFO_LINK = 0x2, 0x40
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


def strip(program: bytes, debug_name: str, debug: bytes, *, symbols: bool = False) -> bytes:
    """Return a program reduced to what is loaded, with a link to the file that has the rest.

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
    loaded = [0, *(i for i, section in enumerate(old) if section.flags & ALLOC)]
    end = max(s.offset + (s.size if s.type != NOBITS else 0) for s in (old[i] for i in loaded))
    if any(s.offset < end for s in old[1:] if not s.flags & ALLOC and s.type != NOBITS):
        raise ValueError("something that is not loaded comes before something that is")
    strings = old[names]
    text = program[strings.offset : strings.offset + strings.size]
    tables = [i for i, section in enumerate(old) if section.type == SYMTAB] if symbols else []
    kept = list(dict.fromkeys([*loaded, *tables, *(old[i].link for i in tables)]))
    number = {before: now for now, before in enumerate(kept)}
    sections, new_names, content = [], b"\0", program[:end]

    def add(section: Section, name: bytes, data: bytes = b"") -> None:
        nonlocal new_names, content
        if data:
            content += bytes(-len(content) % section.align)
            section = section._replace(offset=len(content), size=len(data))
            content += data
        sections.append(section._replace(name=len(new_names) if name else 0))
        new_names += name + b"\0" if name else b""

    for section in (old[i] for i in kept):
        data = b""
        if len(sections) >= len(loaded):
            data = program[section.offset : section.offset + section.size]
        if section.type == SYMTAB:
            data = _renumbered(data, number)
        info = number.get(section.info, 0) if section.flags & INFO_LINK else section.info
        name = text[section.name : text.index(b"\0", section.name)]
        add(section._replace(link=number.get(section.link, 0), info=info), name, data)
    linked = debug_name.encode() + b"\0"
    linked += bytes(-len(linked) % 4) + struct.pack("<I", zlib.crc32(debug))
    extra = Section(0, PROGBITS, 0, 0, 0, 0, 0, 0, 4, 0)
    add(extra, b".gnu_debuglink", linked)
    add(extra._replace(type=STRTAB, align=1), b".shstrtab", new_names + b".shstrtab\0")
    content += bytes(-len(content) % 8)
    header[6], header[12], header[13] = len(content), len(sections), len(sections) - 1
    content += b"".join(SECTION.pack(*section) for section in sections)
    return HEADER.pack(*header) + content[HEADER.size :]


def _renumbered(table: bytes, number: dict[int, int]) -> bytes:
    """Return a symbol table with the new numbers of the sections, 0 for removed ones."""
    symbols = []
    for name, info, other, section, value, size in SYMBOL.iter_unpack(table):
        now = section if section >= RESERVED else number.get(section, 0)
        symbols.append(SYMBOL.pack(name, info, other, now, value, size))
    return b"".join(symbols)


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
