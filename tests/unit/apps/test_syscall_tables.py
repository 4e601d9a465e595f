"""The syscall tables of syscall_mon: their data, and the header that is made of them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

APP = Path(__file__).resolve().parents[3] / "apps/syscall_mon"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("syscall_table", APP / "syscall_table.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


syscall_table = _load()


@pytest.fixture(scope="module")
def arm64() -> dict[int, str]:
    return syscall_table.parse((APP / "syscalls-arm64.txt").read_text())


@pytest.fixture(scope="module")
def arm() -> dict[int, str]:
    return syscall_table.parse((APP / "syscalls-arm-eabi.txt").read_text())


# include/uapi/asm-generic/unistd.h and arch/arm/tools/syscall.tbl of Linux
@pytest.mark.parametrize(
    ("number", "native", "compat"),
    [
        (1, "io_destroy", "exit"),
        (3, "io_cancel", "read"),
        (56, "openat", None),
        (113, "clock_gettime", None),
        (172, "getpid", "prctl"),
        (192, "semtimedop", "mmap2"),
        (221, "execve", "fcntl64"),
        (280, "bpf", "waitid"),
        (281, "execveat", "socket"),
        (293, "rseq", "shutdown"),
        (322, None, "openat"),
        (403, None, "clock_gettime64"),
        (424, "pidfd_send_signal", "pidfd_send_signal"),
        (435, "clone3", "clone3"),
        (461, "lsm_list_modules", "lsm_list_modules"),
        (0x0F0002, None, "cacheflush"),
        (0x0F0005, None, "set_tls"),
    ],
)
def test_a_number_means_what_the_kernel_says(
    arm64: dict[int, str], arm: dict[int, str], number: int, native: str | None, compat: str | None
) -> None:
    assert arm64.get(number) == native
    assert arm.get(number) == compat


@pytest.mark.parametrize("name", ["open", "stat", "fork", "poll", "dup2", "mkdir"])
def test_arm64_has_no_syscall_that_only_old_architectures_have(
    arm64: dict[int, str], arm: dict[int, str], name: str
) -> None:
    assert name not in arm64.values()
    assert name in arm.values() or name == "stat"


def test_from_424_on_a_number_has_one_name(arm64: dict[int, str], arm: dict[int, str]) -> None:
    native = {number: name for number, name in arm64.items() if number >= 424}
    compat = {number: name for number, name in arm.items() if 424 <= number < 0x0F0000}
    assert native == {**compat, 447: "memfd_secret"}  # which arm does not have


@pytest.mark.parametrize("table", ["syscalls-arm64.txt", "syscalls-arm-eabi.txt"])
def test_the_first_line_of_the_data_shows_its_source(table: str) -> None:
    first = (APP / table).read_text().splitlines()[0]
    assert first.startswith("# ")
    assert "bionic" in first


def test_macros_of_a_header_are_understood() -> None:
    text = """\
#define __NR_read 0
#define __NR_arch_specific_syscall 244
#define __NR_syscalls 462
#define __NR_clock_gettime64 403
#define __NR_alias __NR_read
#define __x86_64__ 1
"""
    assert syscall_table.parse(text) == {0: "read", 403: "clock_gettime64"}


def test_the_headers_of_this_machine_are_understood() -> None:
    tables = {}
    for bits in ("64", "32"):
        line = ["gcc", "-E", "-dM", "-include", f"asm/unistd_{bits}.h", "-xc", "/dev/null"]
        result = subprocess.run(line, capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"no asm/unistd_{bits}.h here: {result.stderr.splitlines()[0]}")
        tables[bits] = syscall_table.parse(result.stdout)
    assert tables["64"][0] == "read"
    assert tables["64"][59] == "execve"
    assert tables["32"][3] == "read"
    assert tables["32"][11] == "execve"


def test_two_names_for_a_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^number 3 is both read and write$"):
        syscall_table.parse("3 read\n3 write\n")


def test_a_text_without_syscalls_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no syscalls found$"):
        syscall_table.parse("# a comment\n\n#define __NR_ 4\n")


@pytest.mark.parametrize("number", [500, 511, 512, 0x0EFFFF, 0x0F000B, 0x40000000])
def test_a_number_without_a_slot_does_not_compile(tmp_path: Path, number: int) -> None:
    text = syscall_table.render({"arm64": {number: "new_call"}, "arm": {0: "restart_syscall"}})
    (tmp_path / "syscall_table.h").write_text(text)
    headers = ["-I.", f"-I{APP}", f"-I{APP.parent}/_common"]
    compile_ = ["gcc", "-std=gnu11", *headers, "-fsyntax-only", f"{APP}/syscalls.c"]
    done = subprocess.run(compile_, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "array index in initializer exceeds array bounds" in done.stderr


def test_the_generator_and_the_c_header_agree_on_every_slot(
    tmp_path: Path, arm64: dict[int, str], arm: dict[int, str]
) -> None:
    """The C side finds each name under its number, by way of syscall_slot() itself."""
    arguments = [f"arm64={APP}/syscalls-arm64.txt", f"arm={APP}/syscalls-arm-eabi.txt"]
    script = [sys.executable, str(APP / "syscall_table.py"), "syscall_table.h", *arguments]
    subprocess.run(script, cwd=tmp_path, check=True)
    (tmp_path / "show.c").write_text(
        """#include <stdio.h>
#include "syscalls.h"
int main(void)
{
	for (enum abi abi = 0; abi < ABIS; abi++)
		for (unsigned int number = 0; number < 0x110000; number++)
			printf("%s %u %s\\n", abi_name(abi), number, syscall_name(abi, number));
	printf("%s\\n", syscall_name(ABI_NATIVE, -2147483647 - 1));
	printf("%s\\n", syscall_name(ABI_COMPAT, 0x40000001));
}
"""
    )
    headers = ["-I.", f"-I{APP}", f"-I{APP.parent}/_common"]
    compile_ = ["gcc", "-Wall", "-Wextra", "-Werror", "-std=gnu11", *headers, "show.c"]
    subprocess.run([*compile_, f"{APP}/syscalls.c", "-o", "show"], cwd=tmp_path, check=True)
    shown = subprocess.run(["./show"], cwd=tmp_path, check=True, capture_output=True, text=True)
    wanted = [
        f"{abi} {number} {name}"
        for abi, table in (("arm64", arm64), ("arm", arm))
        for number, name in sorted(table.items())
    ]
    *lines, below, above = shown.stdout.splitlines()
    assert [line for line in lines if "unknown_" not in line] == wanted
    assert "arm64 1000 unknown_1000" in lines
    assert (below, above) == ("unknown_-2147483648", "unknown_1073741825")


def test_a_bad_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("nothing\n")
    script = [sys.executable, str(APP / "syscall_table.py"), "out.h", "arm64=table.txt"]
    result = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, "table.txt: no syscalls found\n")
    assert not (tmp_path / "out.h").exists()
