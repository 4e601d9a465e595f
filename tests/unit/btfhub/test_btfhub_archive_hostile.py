"""The one file of an unpinned archive: exactly one, of a bounded size, or one clear error."""

from __future__ import annotations

import lzma
import tarfile
import time
from pathlib import Path

import pytest
from hostile_archives import folder, link, member, pax, sparse, tar

from base.errors import DroidbpfError
from btfhub import archive

DATA = bytes(range(256)) * 40
LARGEST = 1 << 20


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(archive, "MAX_BYTES", LARGEST)
    return tmp_path / "a.btf.tar.xz"


def refusal(file: Path) -> str:
    with pytest.raises(DroidbpfError) as caught:
        archive.unpack(file)
    return caught.value.message


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_folders_and_attributes_around_the_file_do_not_matter(file: Path, form: int) -> None:
    members = folder("./"), folder("x"), member("x/a.btf", DATA, mtime=1.5)
    file.write_bytes(lzma.compress(tar(*members, form=form)))
    assert archive.unpack(file) == ("a.btf", DATA)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([folder("x")], "holds no .btf file"),
        ([], "holds no .btf file"),
        ([member("a.txt", DATA)], "holds something else than one .btf file: 'a.txt'"),
        (
            [member("a.btf", DATA), member("b.btf", DATA)],
            "holds something else than one .btf file: 'b.btf'",
        ),
        ([link("a.btf", "/etc/passwd")], "holds something else than one .btf file: 'a.btf'"),
        (
            [member("a.btf", type=tarfile.CHRTYPE)],
            "holds something else than one .btf file: 'a.btf'",
        ),
        ([member("a\u202e.btf", DATA)], "has a header that changes a name or a size"),
        ([pax("a.btf", size="1")], "has a header that changes a name or a size"),
        ([member("a\x1b.btf", DATA)], "holds something else than one .btf file: 'a\\x1b.btf'"),
        ([folder(f"d{n}") for n in range(17)], "has too many headers, or is cut off"),
        ([member("a.btf", bytes(LARGEST + 1))], f"holds a file of {LARGEST + 1} bytes"),
        ([member("a.btf", bytes(LARGEST * 3))], f"unpacks to more than {LARGEST * 2} bytes"),
    ],
)
def test_archive_of_something_else_is_refused(file: Path, members: list, message: str) -> None:
    file.write_bytes(lzma.compress(tar(*members)))
    assert refusal(file) == f"the archive {file} {message}"


GOOD = tar(member("a.btf", DATA))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html>",
        GOOD,
        lzma.compress(b"x" * 5000),
        lzma.compress(GOOD)[:-20],
        lzma.compress(GOOD[:5000]),
        lzma.compress(sparse(1 << 40)),
    ],
    ids=["empty", "a page", "not packed", "no tar", "cut", "packed cut", "sparse"],
)
def test_damaged_archive_is_one_clear_error(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert refusal(file).startswith(f"the archive {file} ")


def test_thousands_of_headers_end_at_once(file: Path) -> None:
    block = pax("x", comment="y" * 100)[0].tobuf(tarfile.PAX_FORMAT)[:1024]
    one = tarfile.TarInfo("x")
    one.size = 0
    one.pax_headers = {f"k{n}": "v" for n in range(20_000)}
    for data in (block * 1000 + GOOD, one.tobuf(tarfile.PAX_FORMAT) * 3 + GOOD):
        file.write_bytes(lzma.compress(data, preset=0))
        began = time.monotonic()
        assert refusal(file).startswith(f"the archive {file} ")
        assert time.monotonic() - began < 1


def test_xz_that_needs_much_memory_is_refused(file: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 128 << 20}]
    file.write_bytes(lzma.compress(GOOD, filters=filters))
    assert refusal(file) == f"the archive {file} is damaged, or is no .tar.xz"
