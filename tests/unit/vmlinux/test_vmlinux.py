"""The committed BTFs are those of SOURCES.toml; a kernel without a BTF is refused clearly."""

import gzip
import lzma
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from base.errors import DroidbpfError
from btfhub import btf
from vmlinux import extract, renew

STRINGS = b"\0int\0task_struct\0pid\0"
TYPES = (
    struct.pack("<IIII", 1, 1 << 24, 4, 0x0100_0020)  # int, 32 bits, signed
    + struct.pack("<III", 5, 4 << 24 | 1, 4)  # struct task_struct { int pid; }
    + struct.pack("<III", 17, 1, 0)
)


def header(types: int = len(TYPES), strings: int = len(STRINGS), **changes: int) -> bytes:
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "size": 24, "type_off": 0}
    fields |= {"type_len": types, "str_off": types, "str_len": strings} | changes
    return struct.pack("<HBBIIIII", *fields.values())


BTF = header() + TYPES + STRINGS
ARM64_IMAGE = bytes(56) + b"ARM\x64" + header() + bytes(64) + BTF + bytes(99)


def bzimage(payload: bytes) -> bytes:
    """Build a bzImage with one setup sector and the payload 16 bytes into the second part."""
    head = bytearray(1024 + 16)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 16, len(payload))
    return bytes(head) + payload


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a real ELF file with the BTF in its section."""
    folder = tmp_path_factory.mktemp("elf")
    (folder / "btf").write_bytes(BTF)
    code = '.section .BTF,"a"\n.incbin "btf"\n'
    command = ["clang-19", "--target=x86_64-linux-gnu", "-x", "assembler", "-c", "-", "-o", "elf"]
    if shutil.which(command[0]) is None:
        pytest.skip("no clang-19 to make an ELF file")
    subprocess.run(command, input=code.encode(), cwd=folder, check=True)
    return (folder / "elf").read_bytes()


def lz4(data: bytes) -> bytes:
    return subprocess.run(["lz4", "-l", "-c"], input=data, capture_output=True, check=True).stdout


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


def failure(function, *arguments: object) -> str:
    with pytest.raises(DroidbpfError) as caught:
        function(*arguments)
    return caught.value.message


def test_committed_btfs_are_those_of_the_sources() -> None:
    renew.check(renew.FOLDER)


def test_committed_btfs_have_the_types_of_a_612_kernel() -> None:
    for arch, source in renew.sources(renew.FOLDER).items():
        data = renew.read(renew.FOLDER / f"{arch}.btf.xz")
        assert btf.check(data) > 100_000
        assert source.release.startswith("6.12.")
        for name in (b"task_struct", b"bpf_prog", b"trace_event_raw_sys_enter", b"pt_regs"):
            assert b"\0" + name + b"\0" in data


@pytest.mark.parametrize("arch", renew.ARCHES)
def test_committed_btf_gives_a_header_that_compiles(arch: str, tmp_path: Path) -> None:
    if not (shutil.which("bpftool") and shutil.which("clang-19")):
        pytest.skip("no bpftool or no clang-19 on this machine")
    (tmp_path / "btf").write_bytes(renew.read(renew.FOLDER / f"{arch}.btf.xz"))
    dump = ["bpftool", "btf", "dump", "file", "btf", "format", "c"]
    with (tmp_path / "vmlinux.h").open("wb") as header_file:
        subprocess.run(dump, cwd=tmp_path, check=True, stdout=header_file)
    (tmp_path / "t.bpf.c").write_text(
        '#include "vmlinux.h"\n'
        "int tgid(struct task_struct *task)\n"
        "{ return __builtin_preserve_access_index(task->tgid); }\n"
    )
    command = ["clang-19", "--target=bpf", "-mcpu=v2", "-g", "-O2", "-Wall", "-Werror", "-c"]
    subprocess.run([*command, "t.bpf.c", "-o", "t.o"], cwd=tmp_path, check=True)
    assert b".BTF.ext" in (tmp_path / "t.o").read_bytes()


def test_changed_or_broken_file_is_found(tmp_path: Path) -> None:
    for name in ("SOURCES.toml", "arm64.btf.xz", "x86_64.btf.xz"):
        (tmp_path / name).write_bytes((renew.FOLDER / name).read_bytes())
    renew.check(tmp_path)
    file = tmp_path / "x86_64.btf.xz"
    whole = file.read_bytes()

    file.write_bytes(lzma.compress(BTF))
    with pytest.raises(DroidbpfError) as caught:
        renew.check(tmp_path)
    assert str(caught.value) == (
        "error: x86_64.btf.xz is not the BTF that SOURCES.toml describes\n"
        "hint: run: ./dev vmlinux renew --pinned"
    )
    file.write_bytes(whole[:-1])
    message = f"{file} is broken: it is not one whole xz stream"
    assert failure(renew.check, tmp_path) == message
    file.unlink()
    assert failure(renew.check, tmp_path) == f"cannot read {file}: No such file or directory"


def test_btf_is_found_in_an_arm64_image_behind_what_looks_like_one() -> None:
    assert extract.from_arm64_image(ARM64_IMAGE) == BTF


def test_image_without_or_with_two_btfs_is_refused() -> None:
    bare = ARM64_IMAGE[:60]
    message = "{} BTFs in the kernel image instead of one"
    assert failure(extract.from_arm64_image, bare) == message.format(0)
    assert failure(extract.from_arm64_image, bare + BTF + BTF) == message.format(2)
    assert failure(extract.from_arm64_image, BTF + bytes(99)) == (
        "the package's kernel is not an uncompressed arm64 Image"
    )


@pytest.mark.parametrize("pack", [lzma.compress, zstd, lz4, gzip.compress])
def test_btf_comes_out_of_every_kind_of_bzimage(elf: bytes, pack) -> None:
    if pack in (zstd, lz4) and shutil.which(pack.__name__) is None:
        pytest.skip(f"no {pack.__name__} on this machine")
    size = b"" if pack is gzip.compress else struct.pack("<I", len(elf))
    assert extract.from_bzimage(bzimage(pack(elf) + size)) == BTF


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (bytes(2000), "the package's kernel is not an x86 bzImage"),
        (bzimage(bytes(100))[:-1], "the bzImage is cut off"),
        (bzimage(bytes(100)), "unknown compression of the bzImage's payload: 00 00 00 00 00 00"),
        (bzimage(lzma.compress(b"x")[:-9]), "the bzImage's payload is broken: it is cut off"),
        (bzimage(gzip.compress(b"text")), "the bzImage's payload: it is a damaged ELF file"),
    ],
)
def test_unsound_bzimage_is_refused(image: bytes, message: str) -> None:
    assert failure(extract.from_bzimage, image).startswith(message)


def test_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DroidbpfError) as caught:
        extract.from_bzimage(bzimage(b"\x28\xb5\x2f\xfd" + bytes(99)))
    assert str(caught.value) == (
        "error: zstd is not installed\nhint: install it: apt-get install zstd"
    )
