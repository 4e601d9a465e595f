"""What toolchains/separate.py does to programs: as objcopy, without one."""

from __future__ import annotations

import binascii
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from toolchains import separate

SEPARATE = [*separate.COMMAND[:2], separate.__file__]
SOURCE = """\
#include <stdio.h>

static __thread int n = 6;

int main(void)
{
	printf("%d\\n", n);
	return n;
}
"""


@pytest.fixture(scope="module", params=[["-static"], ["-pie", "-fPIE"]], ids=["static", "dynamic"])
def linked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of this machine, as it was linked."""
    if platform.machine() != "x86_64" or not shutil.which("gcc"):
        pytest.skip("needs gcc, for programs of 64 bits and little endian")
    folder = tmp_path_factory.mktemp("linked")
    source = folder / "main.c"
    source.write_text(SOURCE)
    options = [*request.param, "-g", "-Wl,--build-id=sha1"]
    subprocess.run(["gcc", *options, source, "-o", folder / "main"], check=True)
    return folder / "main"


def separated(linked: Path, folder: Path, strip: str = "--strip-all") -> tuple[Path, Path]:
    """Return the program and its debug file, made by the two commands of a build."""
    program, debug = folder / "main", folder / "main.debug"
    shutil.copy2(linked, program)
    subprocess.run([*SEPARATE, "--only-keep-debug", program, debug], check=True)
    subprocess.run([*SEPARATE, strip, f"--add-gnu-debuglink={debug}", program], check=True)
    return program, debug


def test_program_runs_as_before_and_is_smaller(linked: Path, tmp_path: Path) -> None:
    program, debug = separated(linked, tmp_path)
    done = subprocess.run([program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (6, b"6\n")
    assert program.stat().st_size < linked.stat().st_size
    assert debug.read_bytes() == linked.read_bytes()


def test_program_keeps_what_is_loaded_and_nothing_else(linked: Path, tmp_path: Path) -> None:
    program, _ = separated(linked, tmp_path)
    with linked.open("rb") as before, program.open("rb") as after:
        old, new = ELFFile(before), ELFFile(after)
        kept = [section for section in old.iter_sections() if section["sh_flags"] & 2]
        names = [section.name for section in new.iter_sections() if section["sh_size"]]
        assert names == [*(s.name for s in kept), ".shstrtab", ".gnu_debuglink"]
        for section in kept:
            same = new.get_section_by_name(section.name)
            assert same["sh_addr"] == section["sh_addr"]
            assert same.data() == section.data()
            named = old.get_section(section["sh_link"]).name
            link = new.get_section(same["sh_link"]).name
            assert link == (named if named in names else "")
        assert [s.header for s in new.iter_segments()] == [s.header for s in old.iter_segments()]


def test_program_keeps_its_symbols_where_only_debug_information_is_stripped(
    linked: Path, tmp_path: Path
) -> None:
    program, _ = separated(linked, tmp_path, "--strip-debug")
    assert subprocess.run([program], check=False, stdout=subprocess.DEVNULL).returncode == 6
    with linked.open("rb") as before, program.open("rb") as after:
        old, new = ELFFile(before), ELFFile(after)
        assert not [s.name for s in new.iter_sections() if s.name.startswith(".debug_")]
        assert _symbols(new) == _symbols(old) != set()
        main = new.get_section_by_name(".symtab").get_symbol_by_name("main")[0]
        assert new.get_section(main["st_shndx"]).name == ".text"


def _symbols(elf: ELFFile) -> set[tuple[str, int, str]]:
    """Return name, value and section of each symbol of what is loaded."""
    table = elf.get_section_by_name(".symtab")
    named = [s for s in table.iter_symbols() if isinstance(s["st_shndx"], int)]
    loaded = [s for s in named if elf.get_section(s["st_shndx"])["sh_flags"] & 2]
    return {(s.name, s["st_value"], elf.get_section(s["st_shndx"]).name) for s in loaded}


def test_program_names_its_debug_file_and_the_checksum_of_it(linked: Path, tmp_path: Path) -> None:
    program, debug = separated(linked, tmp_path)
    with program.open("rb") as file:
        link = ELFFile(file).get_section_by_name(".gnu_debuglink").data()
    assert link[:12] == b"main.debug\0\0"
    assert int.from_bytes(link[12:], "little") == binascii.crc32(debug.read_bytes())


@pytest.mark.parametrize("options", [["-x"], ["--strip-all", "-x"], ["--strip-unneeded"], []])
def test_options_of_objcopy_that_it_does_not_know_are_refused(
    tmp_path: Path, options: list[str]
) -> None:
    program = tmp_path / "main"
    program.touch()
    command = [*SEPARATE, *options, f"--add-gnu-debuglink={program}.debug", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"separate.py: {program}: the options are one of --strip-all, --strip-debug"
        " and --add-gnu-debuglink=FILE\n",
    )


@pytest.mark.parametrize("strip", ["--strip-all", "--strip-debug"])
def test_binutils_find_no_fault_with_it(linked: Path, tmp_path: Path, strip: str) -> None:
    if not shutil.which("readelf"):
        pytest.skip("readelf is not on this machine")
    program, _ = separated(linked, tmp_path, strip)
    done = subprocess.run(
        ["readelf", "-aW", program], capture_output=True, text=True, check=True, errors="replace"
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/bin/sh\n", "it is not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x01\x01\x01" + bytes(99), "it is not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x02\x01\x01", "the file is cut short or damaged"),
        (b"\x7fELF\x02\x01\x01" + bytes(57), "the file is cut short or damaged"),
        (b"\x7fELF\x02\x01\x01" + b"\xff" * 57, "the file is cut short or damaged"),
    ],
)
def test_what_is_no_such_program_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    program = tmp_path / "main"
    program.write_bytes(content)
    (tmp_path / "main.debug").write_bytes(content)
    command = [*SEPARATE, "--strip-all", f"--add-gnu-debuglink={program}.debug", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"separate.py: {program}: {reason}\n")
    assert program.read_bytes() == content
