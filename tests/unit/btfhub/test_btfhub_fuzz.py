"""Thousands of changed BTFs and archives: a refusal or a BTF that can be read, and in no time."""

from __future__ import annotations

import time
from pathlib import Path

import bpf_objects
import btf_mutations
import pytest
from elftools.elf.elffile import ELFFile

from base.errors import DroidbpfError
from btfhub import archive, btf, images, plausible, typegraph
from vmlinux import renew

CODE = """
struct list { struct list *next, **prev; };
enum state { IDLE, BUSY = 7 } ;
typedef int (*callback)(struct list *, const volatile char *, ...);
struct task { struct list list; int pid : 5, tgid : 3; enum state state; callback done[2][3];
  union { unsigned long long stamp; struct { short low, high; }; }; } CORE;
struct opaque; struct opaque *handle; struct task current_task; callback hook;
SEC("tp/x") int f(struct task *t) { out = t->pid + t->stamp; return 0; }
"""


def outcome(data: bytes) -> str:
    """Return "" for a BTF that passes and can be read, else why it was refused."""
    begin = time.process_time()
    try:
        btf.check(data)
    except DroidbpfError as error:
        assert time.process_time() - begin < 1
        return error.message
    assert time.process_time() - begin < 1
    typegraph.structs(data, ["task", "list", "task_struct"])
    plausible.architecture(data)
    return ""


def outcomes(good: bytes, count: int) -> list[str]:
    layout = btf.walk(good)
    return [outcome(btf_mutations.mutated(good, layout, number)) for number in range(count)]


def test_changed_small_btf_is_refused_or_read() -> None:
    found = outcomes(btf_mutations.every_kind(), 1000)
    assert 100 < found.count("") < 900  # both happen, or nothing is tested
    assert len({message.partition(" ")[2][:30] for message in found}) > 30


def test_changed_btf_of_clang_is_refused_or_read(tmp_path: Path) -> None:
    with bpf_objects.compiled(tmp_path, "small", CODE).open("rb") as file:
        good = ELFFile(file).get_section_by_name(".BTF").data()
    assert outcome(good) == ""
    assert 50 < outcomes(good, 500).count("") < 450


def test_changed_btf_of_a_kernel_is_refused_or_read() -> None:
    found = outcomes(renew.read(renew.FOLDER / "arm64.btf.xz"), 5)
    assert 0 < found.count("") < 5


def test_changed_archive_is_refused_or_unpacked(tmp_path: Path) -> None:
    file, good = tmp_path / "input", btf_mutations.every_kind()
    unpacked = 0
    for number in range(200):
        file.write_bytes(btf_mutations.mutated_archive(good, number))
        for read in (archive.unpack, images.read):
            try:
                read(file)
                unpacked += 1
            except DroidbpfError:
                pass
    assert 20 < unpacked < 380


WORST = (  # `./dev benchmarks btf_gate` tries all, and some 100,000 changed ones
    "one type too many",
    "pointer to the next",
    "longest chains",
    "functions that take functions",
    "unions, doubled again and again",
    "forms of structs",
    "long names",
)


@pytest.mark.parametrize("name", WORST)
def test_largest_and_worst_takes_under_a_second(name: str) -> None:
    outcome(btf_mutations.WORST[name]())


def test_changed_elf_file_is_refused_or_read(tmp_path: Path) -> None:
    good = bpf_objects.compiled(tmp_path, "small", CODE).read_bytes()
    file, errors = tmp_path / "input", 0
    layout = btf.walk(btf_mutations.every_kind())
    for number in range(150):
        file.write_bytes(b"\x7fELF" + btf_mutations.mutated(good, layout, number)[4:])
        try:
            images.read(file)
        except DroidbpfError:
            errors += 1
    assert 20 < errors < 150
