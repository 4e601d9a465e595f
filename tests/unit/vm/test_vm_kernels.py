"""Kernels by path are checked before they boot; modules load in the order of their needs."""

import argparse
import gzip
import lzma
import os
from pathlib import Path

import pytest

from base.errors import DroidbpfError
from base.settings import Settings
from vm import image, kernels, modules
from vm.cli import fetch

BANNER = b"Linux version 5.10.1-gki (a@b) (clang) #1 SMP\n"
IMAGE = bytes(56) + b"ARM\x64" + bytes(100) + b"Linux version %s\0" + BANNER
HINT = "use the file arch/arm64/boot/Image or Image.gz of a kernel build"


def module(*needs: str) -> bytes:
    return b"\x7fELF" + b"\0license=GPL\0depends=" + ",".join(needs).encode() + b"\0name=x\0"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_image_is_taken_plain_and_compressed(tmp_path: Path, pack) -> None:
    path = tmp_path / "Image"
    path.write_bytes(pack(IMAGE))
    assert kernels.kernel(str(path)) == kernels.Kernel(str(path), path, "5.10.1-gki")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", " is not an arm64 kernel Image"),
        (
            b"\x7fELF" + bytes(99),
            " is not an arm64 kernel Image: it is an ELF file, such as vmlinux",
        ),
        (b"MZ\0\0zimg" + bytes(99), " is not an arm64 kernel Image: it is an EFI zboot image"),
        (bytes(0x202) + b"HdrS", " is not an arm64 kernel Image: it is an x86 bzImage"),
        (b"ANDROID!" + bytes(99), " is not an arm64 kernel Image: it is an Android boot image"),
        (gzip.compress(b"text", mtime=0), " is not an arm64 kernel Image"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "Image"
    path.write_bytes(data)
    with pytest.raises(DroidbpfError) as caught:
        kernels.kernel(str(path))
    assert caught.value.message.startswith(f"{path}{reason}")
    assert caught.value.hint == HINT


def test_gzip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "MAX_BYTES", 1 << 20)
    path = tmp_path / "Image.gz"
    path.write_bytes(gzip.compress(IMAGE + bytes(4 << 20)))
    with pytest.raises(DroidbpfError, match=r"Image\.gz is over 1 MiB\n"):
        kernels.kernel(str(path))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x1f\x8b\x08\0junk junk junk", "Error -3 while decompressing data: invalid "),
        (b"\x1f\x8b\x99junk junk", "Unknown compression method"),
        (gzip.compress(IMAGE)[:-9], "Compressed file ended before the end-of-stream marker"),
    ],
)
def test_damaged_gzip_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "Image.gz"
    path.write_bytes(data)
    with pytest.raises(DroidbpfError) as caught:
        kernels.kernel(str(path))
    assert caught.value.message.startswith(f"cannot read {path}: {reason}")
    assert caught.value.hint == HINT


def test_unknown_kernel_names_what_there_is() -> None:
    with pytest.raises(DroidbpfError) as caught:
        kernels.kernel("5.11")
    assert str(caught.value) == (
        "error: no such kernel: 5.11\n"
        "hint: use one of 5.10, 6.1, 6.12, or the path of an arm64 Image"
    )


def test_image_without_a_banner_has_no_release() -> None:
    assert image.release(b"Linux version %s") == ""


def test_modules_load_after_what_they_need() -> None:
    known = {
        "virtio_console": module("virtio_ring", "virtio"),
        "virtio": module("virtio_ring"),
        "virtio_ring": module(),
        "virtio_pci": module("virtio_ring", "virtio-pci-modern-dev", "virtio"),
        "virtio_pci_modern_dev": module(),
        "virtio_net": module("net_failover"),
    }
    assert modules.load_order(known, ["virtio_pci", "virtio_console"]) == [
        "virtio_ring",
        "virtio_pci_modern_dev",
        "virtio",
        "virtio_pci",
        "virtio_console",
    ]


def test_module_that_is_built_in_is_left_out() -> None:
    assert modules.load_order({}, ["virtio_pci"]) == []


def test_missing_needs_are_refused() -> None:
    with pytest.raises(DroidbpfError, match=r"module a depends on b, which is missing$"):
        modules.load_order({"a": module("b")}, ["a"])


def test_module_is_unpacked_and_named_by_its_file() -> None:
    path = "lib/modules/6/kernel/drivers/char/virtio-rng.ko.xz"
    assert modules.name(path) == "virtio_rng"
    assert modules.unpack(path, lzma.compress(module())) == module()
    assert modules.unpack("x.ko", module()) == module()


def test_module_that_is_compressed_in_another_way_is_refused() -> None:
    with pytest.raises(DroidbpfError, match=r"module x\.ko\.zst is not an ELF file$"):
        modules.unpack("x.ko.zst", b"\x28\xb5\x2f\xfd")


def test_last_package_is_in_use_and_what_a_killed_process_left_is_not(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert kernels.cached("6.1", settings) is None
    for number, folder in enumerate(("6.1-b", "6.1-a", "6.12-c", ".6.1.new")):
        made = tmp_path / "vm" / folder
        made.mkdir(parents=True)
        for file in (f"vmlinuz-{folder}", "01-virtio_pci.ko", "00-virtio.ko"):
            (made / file).touch()
        os.utime(made, (number, number))
    found = kernels.cached("6.1", settings)
    assert found
    assert found.release == "6.1-a"
    assert [module.name for module in found.modules] == ["00-virtio.ko", "01-virtio_pci.ko"]


def test_folder_without_its_kernel_is_one_error_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "vm" / "6.1-a"
    folder.mkdir(parents=True)
    with pytest.raises(DroidbpfError, match=f"no kernel in {folder}\nhint: remove it: rm -r "):
        kernels.cached("6.1", Settings(tmp_path))


def test_offline_fetch_is_content_with_what_is_in_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("6.1-a/vmlinuz-6.1.0-50", "busybox-static-a/busybox"):
        (tmp_path / "vm" / file).parent.mkdir(parents=True)
        (tmp_path / "vm" / file).touch()
    options = argparse.Namespace(kernels=["6.1"])
    assert fetch.run(options, Settings(tmp_path, offline=True)) == 0
    assert capsys.readouterr().out == "6.1   6.1.0-50\n"
