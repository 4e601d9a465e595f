"""What every static program must be, whoever made it."""

from __future__ import annotations

import binascii
from pathlib import Path

from elftools.elf.elffile import ELFFile

PAGE = 16384


def assert_static(program: Path) -> None:
    """Check a stripped arm64 program without any need at run time, and its debug file."""
    debug = program.with_name(f"{program.name}.debug")
    with program.open("rb") as file, debug.open("rb") as other:
        elf, unstripped = ELFFile(file), ELFFile(other)
        assert (elf["e_machine"], elf["e_type"]) == ("EM_AARCH64", "ET_EXEC")
        segments = list(elf.iter_segments())
        assert not {"PT_INTERP", "PT_DYNAMIC"} & {s["p_type"] for s in segments}
        loads = [segment for segment in segments if segment["p_type"] == "PT_LOAD"]
        assert [segment["p_align"] for segment in loads] == [PAGE] * len(loads)
        names = {section.name for section in elf.iter_sections()}
        assert not {".symtab", ".debug_info"} & names
        assert {".symtab", ".debug_info"} <= {s.name for s in unstripped.iter_sections()}
        ids = [e.get_section_by_name(".note.gnu.build-id").data() for e in (elf, unstripped)]
        assert ids[0] == ids[1]
        link = elf.get_section_by_name(".gnu_debuglink").data()
    assert link.partition(b"\0")[0] == debug.name.encode()
    assert int.from_bytes(link[-4:], "little") == binascii.crc32(debug.read_bytes())


def assert_no_path(program: Path, *paths: str) -> None:
    """Check that neither a program nor its debug file tells where it was made."""
    for file in (program, program.with_name(f"{program.name}.debug")):
        content = file.read_bytes()
        assert [path for path in paths if path.encode() in content] == []
