"""What a phone gets: looked at with pyelftools, not with the tools that made it."""

from __future__ import annotations

import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from checkout import ARCH, Tree
from elftools.elf.elffile import ELFFile

MACHINE = {"arm64": "EM_AARCH64", "x86_64": "EM_X86_64"}[ARCH]
PAGE = {"arm64": 16384, "x86_64": 4096}[ARCH]


@contextmanager
def elf(path: Path) -> Iterator[ELFFile]:
    with path.open("rb") as file:
        yield ELFFile(file)


def _section(file: ELFFile, name: str) -> Any:
    section = file.get_section_by_name(name)
    assert section is not None, f"there is no section {name}"
    return section


def sections(path: Path) -> set[str]:
    with elf(path) as file:
        return {section.name for section in file.iter_sections()}


def segments(path: Path) -> list[str]:
    with elf(path) as file:
        return [segment["p_type"] for segment in file.iter_segments()]


def build_id(path: Path) -> bytes:
    with elf(path) as file:
        note = next(_section(file, ".note.gnu.build-id").iter_notes())
        return bytes.fromhex(note["n_desc"])


@pytest.fixture
def program(template: Tree) -> Path:
    return template.app("hello") / "hello"


def test_program_is_of_the_target_and_needs_nothing_at_run_time(program: Path) -> None:
    with elf(program) as file:
        assert file["e_machine"] == MACHINE
        assert file["e_type"] == "ET_EXEC"
        assert file["e_entry"] != 0
    assert "PT_INTERP" not in segments(program)
    assert "PT_DYNAMIC" not in segments(program)
    assert os.access(program, os.X_OK)


def test_program_loads_where_pages_are_of_16_kb(program: Path) -> None:
    with elf(program) as file:
        loads = [s for s in file.iter_segments() if s["p_type"] == "PT_LOAD"]
    assert loads
    for load in loads:
        assert load["p_align"] == PAGE
        assert load["p_vaddr"] % PAGE == load["p_offset"] % PAGE


def test_stack_of_the_program_is_not_executable(program: Path) -> None:
    with elf(program) as file:
        (stack,) = [s for s in file.iter_segments() if s["p_type"] == "PT_GNU_STACK"]
        assert stack["p_flags"] & 1 == 0


def test_program_is_stripped_and_its_debug_file_is_not(program: Path) -> None:
    assert ".symtab" not in sections(program)
    assert not [name for name in sections(program) if name.startswith(".debug_")]
    debug = program.with_name("hello.debug")
    assert {".debug_info", ".symtab"} <= sections(debug)


def test_debug_file_is_that_of_the_program(program: Path) -> None:
    debug = program.with_name("hello.debug")
    assert build_id(debug) == build_id(program)
    assert len(build_id(program)) == 20
    with elf(program) as file:
        link = _section(file, ".gnu_debuglink").data()
    name, _, _ = link.partition(b"\0")
    assert name == b"hello.debug"
    assert int.from_bytes(link[-4:], "little") == binascii.crc32(debug.read_bytes())


def test_dynamic_program_names_its_loader_and_libc_alone(tree: Tree) -> None:
    tree.scons("link=dynamic", "hello")
    program = tree.app("hello") / "hello"
    assert "PT_INTERP" in segments(program)
    with elf(program) as file:
        dynamic = _section(file, ".dynamic")
        needed = [tag.needed for tag in dynamic.iter_tags() if tag["d_tag"] == "DT_NEEDED"]
        paths = [t for t in dynamic.iter_tags() if t["d_tag"] in ("DT_RPATH", "DT_RUNPATH")]
    assert "libc.so.6" in needed
    assert set(needed) <= {"libc.so.6", "ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2"}
    assert paths == []


def test_debug_mode_leaves_the_debug_information_in_the_program(tree: Tree) -> None:
    tree.scons("mode=debug", "hello")
    assert {".debug_info", ".symtab"} <= sections(tree.app("hello") / "hello")


@pytest.mark.parametrize("name", ["hello/hello", "many/many", "many/second"])
def test_bpf_object_has_its_types_license_and_program(template: Tree, name: str) -> None:
    path = template.variant / "apps" / f"{name}.bpf.o"
    assert {".BTF", ".BTF.ext", "license"} <= sections(path)
    assert not [section for section in sections(path) if section.startswith(".debug_")]
    with elf(path) as file:
        assert file["e_machine"] == "EM_BPF"
        assert _section(file, "license").data().rstrip(b"\0").endswith(b"GPL")
        assert [s for s in file.iter_sections() if s.name.startswith("raw_tp/")]


def test_bpf_object_has_the_relocations_of_its_kernel_types(template: Tree) -> None:
    """In .BTF.ext, the length of the CO-RE relocations follows those of functions and lines."""
    with elf(template.app("hello") / "hello.bpf.o") as file:
        header = _section(file, ".BTF.ext").data()
    assert int.from_bytes(header[:2], "little") == 0xEB9F
    assert int.from_bytes(header[28:32], "little") > 8


def test_bpf_program_has_no_instruction_that_a_510_kernel_refuses(template: Tree) -> None:
    """-mcpu=v2: no 32-bit jumps (class 6), no atomics but plain additions (class 3, mode 6)."""
    for name in ("hello/hello", "many/many", "many/second"):
        with elf(template.variant / "apps" / f"{name}.bpf.o") as file:
            for section in file.iter_sections():
                if section["sh_flags"] & 4:
                    code = section.data()
                    for at in range(0, len(code), 8):
                        kind, immediate = code[at], code[at + 4 : at + 8]
                        assert kind & 7 != 6, f"{name} {section.name}+{at}"
                        if kind & 7 == 3 and kind & 0xE0 == 0xC0:
                            assert immediate == b"\0" * 4, f"{name} {section.name}+{at}"


def test_skeleton_holds_the_bytes_of_the_object(template: Tree) -> None:
    text = (template.app("hello") / "hello.skel.h").read_text()
    literal = text.split('(const void *)"\\\n')[1].split('";')[0].replace("\\\n", "")
    content = literal.encode().decode("unicode_escape").encode("latin-1")
    assert content == (template.app("hello") / "hello.bpf.o").read_bytes()


def test_no_byte_of_any_product_shows_where_it_was_built(template: Tree) -> None:
    secret = os.fsencode(template.path)
    reported = [n for n in template.products() if secret in (template.build / n).read_bytes()]
    assert reported == []


def test_vmlinux_header_is_of_the_target_and_newer_than_its_first_kernel(template: Tree) -> None:
    text = (template.build / "vmlinux" / ARCH / "vmlinux.h").read_text()
    assert "struct task_struct {" in text
    assert {"arm64": "struct user_pt_regs {", "x86_64": "struct fred_info"}[ARCH] in text
    assert "BPF_MAP_TYPE_ARENA" in text
    assert text.endswith("#endif /* __VMLINUX_H__ */\n")
