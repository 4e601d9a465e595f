"""The archive has the bytes of the format."""

import stat
import subprocess
from pathlib import Path
from shutil import which

import pytest

from vm import cpio


def members(data: bytes) -> list[tuple[str, dict[str, int], bytes]]:
    """Read an archive by the words of the format's description."""
    names = "ino mode uid gid nlink mtime size devmajor devminor rmajor rminor namesize check"
    found, position = [], 0
    while True:
        assert data[position : position + 6] == b"070701"
        header = data[position + 6 : position + 110]
        fields = dict(
            zip(names.split(), (int(header[i : i + 8], 16) for i in range(0, 104, 8)), strict=True)
        )
        end = position + 110 + fields["namesize"]
        name = data[position + 110 : end]
        assert name.endswith(b"\0")
        start = end + -end % 4
        content = data[start : start + fields["size"]]
        position = start + fields["size"] + -(start + fields["size"]) % 4
        if name == b"TRAILER!!!\0":
            assert position == len(data)
            return found
        found.append((name[:-1].decode(), fields, content))


ENTRIES = [
    cpio.directory("bin", 0o1777),
    cpio.file("bin/a", b"12345", 0o755),
    cpio.file("é", b""),
    cpio.symlink("link", "bin/a"),
    cpio.character_device("console", 5, 1),
]


def test_members_have_their_modes_contents_and_order() -> None:
    found = members(cpio.archive(ENTRIES))
    assert [(name, fields["mode"], content) for name, fields, content in found] == [
        ("bin", stat.S_IFDIR | 0o1777, b""),
        ("bin/a", stat.S_IFREG | 0o755, b"12345"),
        ("é", stat.S_IFREG | 0o644, b""),
        ("link", stat.S_IFLNK | 0o777, b"bin/a"),
        ("console", stat.S_IFCHR | 0o600, b""),
    ]
    assert (found[4][1]["rmajor"], found[4][1]["rminor"]) == (5, 1)
    assert len({fields["ino"] for _, fields, _ in found}) == len(found)


def test_same_entries_give_the_same_bytes_without_clock_or_owner() -> None:
    assert cpio.archive(ENTRIES) == cpio.archive(list(ENTRIES))
    for _, fields, _ in members(cpio.archive(ENTRIES)):
        assert (fields["uid"], fields["gid"], fields["mtime"]) == (0, 0, 0)


@pytest.mark.parametrize("size", range(9))
def test_every_length_is_padded_to_four_bytes(size: int) -> None:
    data = cpio.archive([cpio.file("n" * (size + 1), b"x" * size), cpio.file("last", b"y")])
    assert len(data) % 4 == 0
    assert [content for _, _, content in members(data)] == [b"x" * size, b"y"]


@pytest.mark.skipif(which("cpio") is None, reason="no cpio on this machine")
def test_cpio_program_reads_the_archive(tmp_path: Path) -> None:
    data = cpio.archive(ENTRIES[:4])
    subprocess.run(["cpio", "-id", "--quiet"], input=data, cwd=tmp_path, check=True)
    assert (tmp_path / "bin/a").read_bytes() == b"12345"
    assert (tmp_path / "link").readlink() == Path("bin/a")
