"""The apps of this repository build as they stand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from checkout import ARCH, ROOT, Tree
from elftools.elf.elffile import ELFFile

LIMIT = 1_200_000
PREFIXES = ("monitor_", "writer_")
DEFINED = re.compile(
    r"^#define (\w+)|^(?:struct|enum) (\w+) \{"
    r"|^(?:extern|static|const|__u64)\b.*?(\w+)(?:\[.*\])?[;(]|(\w+) SEC\(",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def shipped(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A tree whose apps are those of the repository, built."""
    tree = template.copy(tmp_path_factory.mktemp("shipped") / "tree")
    shutil.rmtree(tree.source(""))
    shutil.copytree(ROOT / "apps", tree.source(""))
    tree.scons("app=syscall_mon")
    yield tree
    shutil.rmtree(tree.path)


def test_a_second_build_does_nothing(shipped: Tree) -> None:
    shipped.assert_up_to_date("app=syscall_mon")


def test_compilers_warn_of_nothing(shipped: Tree) -> None:
    shutil.rmtree(shipped.app("syscall_mon"))
    assert shipped.scons("app=syscall_mon").err == ""


def test_the_program_is_static_stripped_and_small(shipped: Tree) -> None:
    program = shipped.app("syscall_mon") / "syscall_mon"
    assert program.stat().st_size <= LIMIT
    with program.open("rb") as file:
        elf = ELFFile(file)
        assert not [s for s in elf.iter_segments() if s["p_type"] in ("PT_INTERP", "PT_DYNAMIC")]
        assert elf.get_section_by_name(".symtab") is None


def test_common_library_exports_only_prefixed_symbols(shipped: Tree) -> None:
    exported = set()
    for path in shipped.app("_common").glob("*.o"):
        with path.open("rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF":
                    exported.add(symbol.name)
    assert {"monitor_begin", "writer_flush"} <= exported
    assert [name for name in sorted(exported) if not name.startswith(PREFIXES)] == []


def test_headers_of_common_define_only_prefixed_names() -> None:
    text = "".join(path.read_text() for path in (ROOT / "apps/_common").glob("*.h"))
    names = {"".join(groups).lower() for groups in DEFINED.findall(text)}
    assert {"monitor_comm_len", "writer_format", "monitor_uids"} <= names
    assert [name for name in sorted(names) if not name.startswith(PREFIXES)] == []


def test_no_byte_shows_where_it_was_built(shipped: Tree) -> None:
    for path in shipped.app("syscall_mon").iterdir():
        assert str(shipped.path).encode() not in path.read_bytes(), path.name


def test_a_changed_table_of_syscalls_rebuilds_what_reads_it(shipped: Tree) -> None:
    if ARCH != "arm64":
        pytest.skip("the tables of arm64 are files of the app")
    data = shipped.source("syscall_mon/syscalls-arm64.txt")
    text = data.read_text()
    data.write_text(f"{text}# the end\n")
    made = set(shipped.scons("app=syscall_mon").made)
    assert made <= {"apps/syscall_mon/syscall_table.h", "apps/syscall_mon/syscalls.o"}
    assert "apps/syscall_mon/syscall_table.h" in made
    data.write_text(text)
    shipped.scons("app=syscall_mon")
