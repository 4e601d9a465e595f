"""Archives made to do harm, each with what is said of it."""

import bz2
import gzip
import io
import lzma
import tarfile


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


def folder(name: str, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=0o755, **fields)


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


GOOD = (
    folder("top"),
    folder("top/src"),
    member("top/src/a.c", b"int a;\n", mode=0o664, mtime=5),
    member("top/run", b"#!/bin/sh\n", mode=0o4775),
    link("top/link", "src/a.c"),
    link("top/hard", "top/src/a.c", tarfile.LNKTYPE),
)


def pax(name: str, **headers: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, pax_headers=headers)


def sparse(size: int) -> bytes:
    """A GNU sparse file: 512 bytes of data that claim to be `size` bytes long."""
    info, _ = member("top/s", type=tarfile.GNUTYPE_SPARSE)
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[124:136] = b"%011o\0" % 512
    head[386:410] = b"%011o\0%011o\0" % (0, 512)
    head[483:495] = b"%011o\0" % size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return tar(folder("top"))[:512] + bytes(head) + b"x" * 512 + bytes(1024)


def lying_size(size: int) -> bytes:
    info, _ = member("top/f")
    info.size = size
    return tar(folder("top"))[:512] + info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512 + bytes(1024)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "parent": (tar(member("top/../../secret", b"x")), "holds a path with '..': 'top/../../secret'"),
    "absolute": (tar(member("/tmp/x", b"x")), "holds an absolute path: '/tmp/x'"),
    "symlink that leaves": (
        tar(folder("top"), link("top/l", "../secret")),
        "holds a link that leaves it: l",
    ),
    "absolute symlink": (
        tar(folder("top"), link("top/l", "/etc/passwd")),
        "holds a link that leaves it: l",
    ),
    "symlink to the top's name": (
        tar(folder("top"), folder("top/d"), link("top/d/l", "../../top")),
        "holds a link that leaves it: d/l",
    ),
    "hardlink that leaves": (
        tar(folder("top"), link("top/l", "../secret", tarfile.LNKTYPE)),
        "holds a path with '..': '../secret'",
    ),
    "absolute hardlink": (
        tar(folder("top"), link("top/l", "/etc/passwd", tarfile.LNKTYPE)),
        "holds an absolute path: '/etc/passwd'",
    ),
    "hardlink to nothing": (
        tar(folder("top"), link("top/l", "top/none", tarfile.LNKTYPE)),
        "holds a hard link to what is no file of it: l",
    ),
    "hardlink to a symlink": (
        tar(folder("top"), link("top/s", "x"), link("top/l", "top/s", tarfile.LNKTYPE)),
        "holds a hard link to what is no file of it: l",
    ),
    "write through a symlink": (
        tar(folder("top"), folder("top/d"), link("top/l", "d"), member("top/l/f", b"x")),
        "holds l as a symlink and as a folder",
    ),
    "folder made a symlink later": (
        tar(folder("top"), folder("top/d"), member("top/d/f", b"x"), link("top/d", ".")),
        "holds d twice",
    ),
    "chain of symlinks": (
        tar(
            folder("top"),
            folder("top/a/b"),
            link("top/s", "a/b"),
            link("top/t", "s/../../.."),
        ),
        "holds a link that leaves it: t",
    ),
    "chain of symlinks that is inside by its letters": (
        tar(
            folder("top"),
            link("top/a/b/up", "../.."),
            link("top/t", "a/b/up/../x"),
        ),
        "holds a link that leaves it or goes round: t",
    ),
    "symlinks in a circle": (
        tar(folder("top"), link("top/a", "b"), link("top/b", "a")),
        "holds a link that leaves it or goes round: a",
    ),
    "character device": (
        tar(folder("top"), member("top/d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)),
        "holds a device, a FIFO or an unknown kind of file: top/d",
    ),
    "block device": (
        tar(folder("top"), member("top/d", type=tarfile.BLKTYPE)),
        "holds a device, a FIFO or an unknown kind of file: top/d",
    ),
    "FIFO": (
        tar(folder("top"), member("top/p", type=tarfile.FIFOTYPE)),
        "holds a device, a FIFO or an unknown kind of file: top/p",
    ),
    "duplicate": (
        tar(folder("top"), member("top/f", b"1"), member("top/./f", b"2")),
        "holds f twice",
    ),
    "file and folder": (
        tar(folder("top"), member("top/f", b"1"), member("top/f/g", b"2")),
        "holds f as a file and as a folder",
    ),
    "names that differ in case": (
        tar(folder("top"), member("top/Makefile", b"1"), member("top/makefile", b"2")),
        "holds two names that differ in case only: Makefile, makefile",
    ),
    "NUL in a name": (
        tar(folder("top"), pax("top/x", path="top/a\0b")),
        "holds a name with a control character or not in UTF-8: 'top/a\\x00b'",
    ),
    "newline in a name": (
        tar(folder("top"), member("top/a\nb")),
        "holds a name with a control character or not in UTF-8: 'top/a\\nb'",
    ),
    "name not in UTF-8": (
        tar(folder("top"), member("top/a\udcff"), form=tarfile.GNU_FORMAT),
        "holds a name with a control character or not in UTF-8: 'top/a\\udcff'",
    ),
    "overlong name": (
        tar(folder("top"), member("top/" + "x" * 300)),
        f"holds an overlong name: 'top/{'x' * 73}...'",
    ),
    "overlong path": (
        tar(folder("top"), member("top/" + "xxxxxxxxxxxxxxxxxxxx/" * 30)),
        "holds an overlong name: 'top/" + ("xxxxxxxxxxxxxxxxxxxx/" * 30)[:73] + "...'",
    ),
    "deep path": (
        tar(folder("top"), member("top/" + "d/" * 50 + "f")),
        "holds a path deeper than 40 folders: 'top/" + ("d/" * 50)[:73] + "...'",
    ),
    "overlong pax header": (
        tar(folder("top"), pax("top/x", comment="x" * 100_000)),
        "has overlong headers",
    ),
    "sparse lie": (sparse(1 << 40), "holds a sparse file: top/s"),
    "small sparse file": (sparse(512), "holds a sparse file: top/s"),
    "size lie": (lying_size(100_000), "is damaged or truncated"),
    "huge size": (lying_size(8 << 30), "holds a file of 8589934592 bytes: top/f"),
    "negative size": (lying_size(-512), "holds a file of -512 bytes: top/f"),
    "truncated": (tar(*GOOD)[: 512 * 5], "is damaged or truncated"),
    "truncated in a file": (
        tar(folder("top"), member("top/f", b"x" * 9999))[:5000],
        "is damaged or truncated",
    ),
    "garbage after the first member": (
        tar(folder("top"))[:512] + b"x" * 2048,
        "is damaged or truncated",
    ),
    "truncated gzip": (gzip.compress(tar(*GOOD))[:-20], "is damaged or truncated"),
    "truncated bzip2": (bz2.compress(tar(*GOOD))[:-20], "is damaged or truncated"),
    "truncated xz": (lzma.compress(tar(*GOOD))[:-20], "is damaged or truncated"),
    "bad gzip checksum": (gzip.compress(tar(*GOOD))[:-8] + b"xxxxxxxx", "is damaged"),
    "bad bzip2 data": (bz2.compress(tar(*GOOD))[:50] + b"\0" * 400, "is damaged"),
    "no archive": (b"<!DOCTYPE html><html>" * 100, "is damaged, or is no tar archive"),
    "empty file": (b"", "is damaged, or is no tar archive"),
    "empty archive": (tar(), "holds nothing"),
    "two top folders": (
        tar(folder("top"), folder("other")),
        "has not one single top folder",
    ),
    "file at the top": (tar(member("f", b"x")), "has not one single top folder"),
}  # fmt: skip
