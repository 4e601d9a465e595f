"""Thousands of changed BTFs and archives: a refusal or a BTF that can be read, and in no time.

DROIDBPF_FUZZ=100 in the environment tries 100 times as many.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
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

TIMES = int(os.environ.get("DROIDBPF_FUZZ", "1"))
MEMORY = 384 << 20  # with what the tests' process takes, less than 512 MB


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    """Bound the memory that a test may take beyond what this process has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


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
    with contextlib.suppress(DroidbpfError):  # it is no kernel's
        plausible.kernel(data)
    return ""


def outcomes(good: bytes, count: int) -> list[str]:
    layout = btf.walk(good)
    return [outcome(btf_mutations.mutated(good, layout, number)) for number in range(count)]


def test_changed_small_btf_is_refused_or_read() -> None:
    found = outcomes(btf_mutations.every_kind(), 1000 * TIMES)
    assert 100 < found.count("") / TIMES < 900  # both happen, or nothing is tested
    assert len({message.partition(" ")[2][:30] for message in found}) > 30


def test_bpftool_does_not_crash_on_what_passes(tmp_path: Path) -> None:
    if shutil.which("bpftool") is None:
        pytest.skip("no bpftool on this machine")
    good, file = btf_mutations.every_kind(), tmp_path / "x.btf"
    layout = btf.walk(good)
    for number in range(30 * TIMES):
        data = btf_mutations.mutated(good, layout, number)
        if outcome(data) == "":
            file.write_bytes(data)
            command = ["bpftool", "btf", "dump", "file", str(file), "format", "c"]
            assert subprocess.run(command, capture_output=True, timeout=20).returncode >= 0, number


def test_changed_btf_of_clang_is_refused_or_read(tmp_path: Path) -> None:
    with bpf_objects.compiled(tmp_path, "small", CODE).open("rb") as file:
        good = ELFFile(file).get_section_by_name(".BTF").data()
    assert outcome(good) == ""
    assert 50 < outcomes(good, 500 * TIMES).count("") / TIMES < 450


def test_changed_btf_of_a_kernel_is_refused_or_read() -> None:
    found = outcomes(images.read(renew.FOLDER / "arm64.btf.xz"), 5 * TIMES)
    assert 0 < found.count("") < 5 * TIMES


def test_changed_archive_is_refused_or_unpacked(tmp_path: Path) -> None:
    file, good = tmp_path / "input", btf_mutations.every_kind()
    unpacked = 0
    for number in range(200 * TIMES):
        file.write_bytes(btf_mutations.mutated_archive(good, number))
        for read in (archive.unpack, images.read):
            try:
                read(file)
                unpacked += 1
            except DroidbpfError:
                pass
    assert 20 < unpacked / TIMES < 380


WORST = (
    "one type too many",
    "pointer to the next",
    "longest chains",
    "functions that take functions",
    "unions, doubled again and again",
    "forms of structs",
    "long names",
)


@pytest.mark.parametrize("name", WORST if TIMES == 1 else btf_mutations.WORST)
def test_largest_and_worst_takes_under_a_second(name: str) -> None:
    outcome(btf_mutations.WORST[name]())


def test_changed_elf_file_is_refused_or_read(tmp_path: Path) -> None:
    good = bpf_objects.compiled(tmp_path, "small", CODE).read_bytes()
    file, errors = tmp_path / "input", 0
    layout = btf.walk(btf_mutations.every_kind())
    for number in range(150 * TIMES):
        file.write_bytes(b"\x7fELF" + btf_mutations.mutated(good, layout, number)[4:])
        try:
            images.read(file)
        except DroidbpfError:
            errors += 1
    assert 20 < errors / TIMES < 150
