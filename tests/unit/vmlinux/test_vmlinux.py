"""The committed BTFs are those of SOURCES.toml; a kernel without a BTF is refused clearly."""

import hashlib
import shutil
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest

from base.errors import DroidbpfError
from btfhub import btf, images
from vmlinux import renew

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
needs_zstd = pytest.mark.skipif(shutil.which("zstd") is None, reason="needs zstd")
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


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


def failure(image: bytes) -> str:
    with pytest.raises(DroidbpfError) as caught:
        renew.btf_of(image)
    return caught.value.message


def test_committed_btfs_are_those_of_the_sources() -> None:
    sources = tomllib.loads((renew.FOLDER / "SOURCES.toml").read_text())
    assert sources.keys() == renew.ARCHES.keys()
    for arch, source in sources.items():
        data = images.read(renew.FOLDER / f"{arch}.btf.xz")
        found = (hashlib.sha256(data).hexdigest(), len(data))
        assert found == (source["btf_sha256"], source["btf_size"])


def test_committed_btfs_have_the_types_of_a_612_kernel() -> None:
    for arch in renew.ARCHES:
        data = images.read(renew.FOLDER / f"{arch}.btf.xz")
        assert btf.check(data) > 100_000
        for name in (b"task_struct", b"bpf_prog", b"trace_event_raw_sys_enter", b"pt_regs"):
            assert b"\0" + name + b"\0" in data
    assert (renew.FOLDER / "SOURCES.toml").read_text().count('release = "6.12.') == 2


@pytest.mark.parametrize("arch", renew.ARCHES)
def test_committed_btf_gives_a_header_that_compiles(arch: str, tmp_path: Path) -> None:
    if not (shutil.which("bpftool") and shutil.which("clang-19")):
        pytest.skip("no bpftool or no clang-19 on this machine")
    (tmp_path / "btf").write_bytes(images.read(renew.FOLDER / f"{arch}.btf.xz"))
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


def test_btf_is_found_in_an_arm64_image_behind_what_looks_like_one() -> None:
    assert renew.btf_of(ARM64_IMAGE) == BTF


def test_image_without_or_with_two_btfs_is_refused() -> None:
    bare = ARM64_IMAGE[:60]
    message = "{} BTFs in the kernel image instead of one"
    assert failure(bare).endswith(message.format(0))
    assert failure(bare + BTF + BTF).endswith(message.format(2))


@needs_zstd
def test_btf_comes_out_of_a_bzimage(elf: bytes) -> None:
    assert renew.btf_of(bzimage(zstd(elf) + struct.pack("<I", len(elf)))) == BTF


@needs_zstd
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (bytes(2000), "is neither BTF nor a file that has BTF"),
        (bzimage(bytes(100)), "the bzImage's payload is broken: zstd: /*stdin*\\: "),
        (bzimage(zstd(bytes(9999))[:-9]), "the bzImage's payload is broken: /*stdin*\\ : "),
    ],
)
def test_unsound_image_is_refused(image: bytes, message: str) -> None:
    assert message in failure(image)


def test_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DroidbpfError) as caught:
        renew.btf_of(bzimage(bytes(99)))
    assert str(caught.value) == "error: zstd is not installed\nhint: run: apt-get install zstd"
