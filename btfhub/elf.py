"""Reads the sections of ELF files that may be hostile, by pyelftools, within limits."""

import errno
import io
from typing import IO, Any, NamedTuple

from base.errors import DroidbpfError, printable

# A vmlinux has some 60 sections, a BPF object one for each program.
MAX_SECTIONS = 4096
MAX_NAME = 4096  # bytes
MAX_TITLES = 1 << 20  # bytes of all names of sections
MAGIC = b"\x7fELF"
CODE = 0x4  # SHF_EXECINSTR of flags
PROGRAM, NO_CONTENT = "SHT_PROGBITS", "SHT_NOBITS"
_DAMAGED = "it is a damaged ELF file"


class Section(NamedTuple):
    """A section header.

    Attributes:
        type: pyelftools' name of it, such as SHT_PROGBITS; a number where it has none.
        flags: SHF_… of pyelftools' SH_FLAGS.
        offset, size: in the file, in bytes.
    """

    name: str
    type: str
    flags: int
    offset: int
    size: int


class Elf(NamedTuple):
    """An open ELF file.

    Attributes:
        kind: bits, byte order and machine: (64, "little", "EM_BPF").
        size: of the file, in bytes.
    """

    file: IO[bytes]
    kind: tuple[int, str, str]
    size: int
    sections: tuple[Section, ...]

    def section(self, name: str) -> Section | None:
        """Return the first section of a name, None if there is none."""
        return next((section for section in self.sections if section.name == name), None)

    def content(self, section: Section, most: int) -> bytes:
        """Return the bytes of a section.

        Args:
            most: how many there may be.

        Raises:
            DroidbpfError: there are more, or none are in the file; the file is cut off.
        """
        if section.size > most or section.type == NO_CONTENT:
            name = printable(section.name)
            raise DroidbpfError(f"its section {name} cannot be read: {section.size} bytes")
        if section.offset + section.size > self.size:
            raise DroidbpfError("it is an ELF file that is cut off")
        self.file.seek(section.offset)
        return self.file.read(section.size)


def read(file: IO[bytes]) -> Elf:
    """Read the section headers of an ELF file, which stays open.

    Raises:
        DroidbpfError: it is damaged, or has more sections than any real one.
        OSError: it cannot be read.
    """
    try:
        return _read(file)
    except DroidbpfError:
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a place that no file has
            raise
        raise DroidbpfError(_DAMAGED) from error
    except Exception as error:  # pyelftools raises all kinds of errors on damaged files
        raise DroidbpfError(_DAMAGED) from error


def _read(file: IO[bytes]) -> Elf:
    # Only the format is pyelftools': its Section classes decompress and follow links unbounded.
    from elftools.common.utils import struct_parse
    from elftools.elf.elffile import ELFFile

    size = file.seek(0, io.SEEK_END)
    elf = ELFFile(file)
    form = elf.structs.Elf_Shdr
    begin = elf["e_shoff"]
    if begin >= size:
        raise DroidbpfError(_DAMAGED)
    number = elf.num_sections()
    if number > MAX_SECTIONS:
        raise DroidbpfError(f"it is an ELF file of {number} sections, more than {MAX_SECTIONS}")
    if number and (elf["e_shentsize"] != form.sizeof() or begin + number * form.sizeof() > size):
        raise DroidbpfError(_DAMAGED)
    headers = [struct_parse(form, file, begin + i * form.sizeof()) for i in range(number)]
    kind = elf.elfclass, "little" if elf.little_endian else "big", str(elf["e_machine"])
    found = Elf(file, kind, size, tuple(_section(header, "") for header in headers))
    if not headers:
        return found
    titles = found.content(found.sections[elf.get_shstrndx()], MAX_TITLES)
    named = (_section(header, text(titles, header["sh_name"])) for header in headers)
    return found._replace(sections=tuple(named))


def _section(header: Any, name: str) -> Section:
    fields = (header[f"sh_{field}"] for field in ("flags", "offset", "size"))
    return Section(name, str(header["sh_type"]), *fields)


def text(strings: bytes, offset: int) -> str:
    """Return the string at an offset of a table of strings that end by a NUL.

    Raises:
        DroidbpfError: it is outside, or longer than MAX_NAME.
    """
    end = strings.find(b"\0", offset, offset + MAX_NAME)
    if end < 0:
        raise DroidbpfError("a name is outside the strings")
    return strings[offset:end].decode(errors="backslashreplace")
