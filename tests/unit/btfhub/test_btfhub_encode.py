"""A hub grows by what has BTF or DWARF: the file is where a hub has it, and the same every time."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import hubs
import pytest
from btf_mutations import build, info
from small_programs import program

from base.errors import DroidbpfError
from btfhub import archive, encode, images
from btfhub.__main__ import main
from btfhub.btf import INT, STRUCT
from btfhub.hub import named
from btfhub.typegraph import structs
from vmlinux import renew

RELEASE = "5.10.223-android12-9-00001-g5eedb9f00001-ab1234567"
CODE = """
struct list_head { struct list_head *next, *prev; };
struct pt_regs { unsigned long regs[31], sp, pc, pstate, orig_x0; int syscallno; };
struct task_struct { struct list_head tasks; int pid; struct pt_regs *regs; } init_task;
int main(void) { return init_task.pid; }
"""


@pytest.fixture
def kernel() -> bytes:
    """Return a BTF with only the types that every arm64 kernel has."""
    names = ("int", "long", "task_struct", "list_head", "pt_regs", "pid")
    names += ("regs", "sp", "pc", "pstate", "syscallno")
    at = {name: len("\0".join(("", *names[:index], ""))) for index, name in enumerate(names)}
    registers = [(at[name], 2, 64 * index) for index, name in enumerate(names[6:])]
    words = [at["int"], info(INT), 4, 1 << 24 | 32, at["long"], info(INT), 8, 1 << 24 | 64]
    words += [at["task_struct"], info(STRUCT, 1), 4, at["pid"], 1, 0]
    words += [at["list_head"], info(STRUCT), 16]
    words += [at["pt_regs"], info(STRUCT, 5), 40, *chain.from_iterable(registers)]
    return build(words, "\0".join(("", *names, "")).encode())


def built(folder: Path, *flags: str) -> Path:
    """Return an ELF file with the types that every arm64 kernel has."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc on this machine")
    command = ["gcc", *flags, "-O0", "-x", "c", "-", "-o", str(folder / "vmlinux")]
    subprocess.run(command, input=CODE.encode(), check=True)
    return folder / "vmlinux"


def refusal(source: Path, name: str = RELEASE) -> str:
    with pytest.raises(DroidbpfError) as caught:
        encode.encode(source, name, source.parent / "hub")
    assert not (source.parent / "hub").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a12-5.10-2022-05", "common-android12-5.10/a12-5.10-2022-05-arm64.btf.tar.xz"),
        ("a13-5.10-lts", "common-android13-5.10/a13-5.10-lts-arm64.btf.tar.xz"),
        ("rock5b-5.10-f9d1b1529", "rock5b/rock5b-5.10-f9d1b1529-arm64.btf.tar.xz"),
        (RELEASE, f"common-android12-5.10/{RELEASE}-arm64.btf.tar.xz"),
        ("6.12.38+deb13-arm64", "releases/6.12.38+deb13-arm64.btf.tar.xz"),
        ("5.10.107", "releases/5.10.107.btf.tar.xz"),
    ],
)
def test_each_name_has_its_place_in_a_hub(name: str, path: str) -> None:
    assert encode.place(name) == path
    assert list(named([path]).values()) == [name]


@pytest.mark.parametrize(
    "name", ["", "vmlinux", "../a12-5.10-2022-05", "5.10.252-gki-xaga/f388d74"]
)
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(DroidbpfError):
        encode.place(name)


@pytest.mark.parametrize("packing", ["raw", "xz", "archive", "image", "gzip"])
def test_every_source_gives_the_same_file(tmp_path: Path, kernel: bytes, packing: str) -> None:
    image = bytes(56) + b"ARM\x64" + bytes(1000) + kernel + bytes(1000)
    source = tmp_path / "source"
    source.write_bytes(
        {
            "raw": lambda: kernel,
            "xz": lambda: lzma.compress(kernel, preset=0),
            "archive": lambda: archive.pack("other.btf", kernel),
            "image": lambda: image,
            "gzip": lambda: gzip.compress(image, 1),
        }[packing]()
    )
    path = encode.encode(source, RELEASE, tmp_path / "hub")
    assert path == tmp_path / "hub" / encode.place(RELEASE)
    assert path.read_bytes() == archive.pack(f"{RELEASE}-arm64.btf", kernel)


def test_dwarf_is_encoded_by_pahole_and_its_file_stays_as_it_is(tmp_path: Path) -> None:
    if shutil.which("pahole") is None:
        pytest.skip("no pahole on this machine")
    source = built(tmp_path, "-g")
    before = source.read_bytes()
    path = encode.encode(source, RELEASE, tmp_path / "hub")
    data = archive.unpack(path)[1]
    assert structs(data, ["task_struct"])["task_struct"] == (
        32,
        {"tasks": 0, "pid": 128, "regs": 192},
    )
    assert source.read_bytes() == before
    again = encode.encode(source, RELEASE, tmp_path / "again")
    assert again.read_bytes() == path.read_bytes()


def test_elf_file_with_btf_is_taken_as_it_is(tmp_path: Path, kernel: bytes) -> None:
    if shutil.which("objcopy") is None:
        pytest.skip("no objcopy on this machine")
    source = built(tmp_path, "-g")
    (tmp_path / "btf").write_bytes(kernel)
    subprocess.run(["objcopy", f"--add-section=.BTF={tmp_path / 'btf'}", source], check=True)
    assert archive.unpack(encode.encode(source, RELEASE, tmp_path / "hub"))[1] == kernel


def test_own_btf_of_the_kernel_without_btf_becomes_a_hub_file(tmp_path: Path) -> None:
    folder = hubs.ASSETS / "kernels" / "android12-5.10-nobtf"
    packed = folder / "5.10.223-android12-9-nobtf-arm64.btf.tar.xz"
    if not packed.exists():
        pytest.skip(f"no {packed}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    path = encode.encode(packed, RELEASE, tmp_path / "hub")
    assert archive.unpack(path)[1] == archive.unpack(packed)[1]
    assert refusal(folder / "Image.gz").startswith(f"error: {folder / 'Image.gz'}: 0 BTFs")


def test_missing_or_broken_pahole_says_what_to_do(
    tmp_path: Path, bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = built(tmp_path, "-g")
    monkeypatch.setenv("PATH", str(bin_))
    assert refusal(source) == (
        f"error: {source} has DWARF and no BTF, and pahole is not installed to encode it\n"
        "hint: apt-get install dwarves"
    )
    program(bin_, "pahole", "echo v1.19")
    assert refusal(source) == (
        f"error: {bin_ / 'pahole'} is too old, or is not pahole: b'v1.19\\n'\n"
        "hint: install pahole 1.22 or newer: apt-get install dwarves"
    )
    program(bin_, "pahole", 'case $1 in --version) echo v1.24;; *) echo "no!" >&2; exit 3;; esac')
    assert refusal(source).startswith(f"error: pahole cannot encode {source}: no!\n")


def test_what_is_no_arm64_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x86").write_bytes(images.read(renew.FOLDER / "x86_64.btf.xz"))
    assert refusal(tmp_path / "x86").startswith(
        f"error: {tmp_path / 'x86'}: BTF: it is of a kernel for x86_64, not for arm64\n"
    )
    source = built(tmp_path)
    assert refusal(source).startswith(f"error: {source} has neither BTF nor DWARF\n")
    source.write_bytes(source.read_bytes()[:5000])
    assert refusal(source).startswith(f"error: {source}: it is a damaged ELF file")
    source.write_text("text")
    assert refusal(source).startswith(f"error: {source} is neither BTF nor a file that has BTF\n")
    source.unlink()
    assert refusal(source).startswith(f"error: cannot read {source}: No such file")


def test_command_makes_a_hub_that_index_and_pull_take(
    tmp_path: Path, kernel: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    source, hub = tmp_path / "vmlinux", tmp_path / "hub"
    source.write_bytes(kernel)
    command = ["encode", str(source), "--release", RELEASE, "--out", str(hub)]
    assert main(command) == 0
    reported = capsys.readouterr()
    path = hub / encode.place(RELEASE)
    size = path.stat().st_size
    assert reported.out == f"{path}: 5 types, {len(kernel)} bytes packed to {size}\n"
    assert reported.err == (
        f"next: ./dev btfhub index {hub}    makes {hub} a hub\n"
        f"      ./dev btfhub lock --hub {hub}    pins it for builds\n"
    )
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == size
    path.write_bytes(b"another")
    assert main(command) == 2
    assert capsys.readouterr().err == (
        f"error: another file is at {path}\nhint: --replace replaces it\n"
    )
    assert main([*command, "--replace"]) == 0
    assert path.stat().st_size == size
    assert main(["encode", str(source)]) == 2
