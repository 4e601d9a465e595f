"""A hub's archive holds one BTF and gives it; all other archives give one clear error."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import hubs
import pytest
from hostile_archives import folder, member, tar

from base.errors import DroidbpfError
from btfhub import archive

DATA = b"\x9f\xeb\1" + bytes(range(256)) * 40


def refusal(path: Path) -> str:
    with pytest.raises(DroidbpfError) as caught:
        archive.unpack(path)
    return caught.value.message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a12-5.10-2022-05-arm64.btf.tar.xz"


def test_what_was_packed_is_unpacked(file: Path) -> None:
    file.write_bytes(archive.pack("a12-5.10-2022-05-arm64.btf", DATA))
    assert archive.unpack(file) == ("a12-5.10-2022-05-arm64.btf", DATA)


def test_packing_gives_the_same_bytes_whoever_and_whenever() -> None:
    packed = archive.pack("a.btf", DATA)
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as tar_file:
        (info,) = tar_file.getmembers()
    assert (info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, "", "", 0o644)
    assert info.mtime == 315_532_800
    assert packed == archive.pack("a.btf", DATA)


def test_real_hub_file_is_what_the_lock_says() -> None:
    path, pinned = hubs.real("a13-5.10-2022-05")
    name, data = archive.unpack(path)
    assert name == "a13-5.10-2022-05-arm64.btf"
    assert len(data) == pinned.btf_size


def test_folders_around_the_btf_are_no_matter(file: Path) -> None:
    file.write_bytes(lzma.compress(tar(folder("./"), folder("x"), member("x/a.btf", DATA))))
    assert archive.unpack(file) == ("a.btf", DATA)


def test_missing_file_is_named(file: Path) -> None:
    assert refusal(file) == f"cannot read {file}: No such file or directory"
