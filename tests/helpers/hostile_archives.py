"""Archives made to do harm, each with its error."""

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


DAMAGED = "is damaged, or is no tar archive"

HOSTILE: dict[str, tuple[bytes, str]] = {
    "parent": (
        tar(member("top/../../secret", b"x")),
        "holds a path that leaves it: top/../../secret",
    ),
    "absolute": (tar(member("/tmp/x", b"x")), "holds a path that leaves it: /tmp/x"),
    "symlink": (
        tar(folder("top"), member("top/f", b"x"), link("top/l", "f")),
        "holds neither file nor folder: top/l",
    ),
    "symlink that leaves": (
        tar(folder("top"), link("top/l", "../secret")),
        "holds neither file nor folder: top/l",
    ),
    "hardlink that leaves": (
        tar(folder("top"), link("top/l", "../secret", tarfile.LNKTYPE)),
        "holds neither file nor folder: top/l",
    ),
    "write through a symlink": (
        tar(folder("top"), folder("top/d"), link("top/l", "d"), member("top/l/f", b"x")),
        "holds neither file nor folder: top/l",
    ),
    "folder made a symlink later": (
        tar(folder("top"), folder("top/d"), member("top/d/f", b"x"), link("top/d", ".")),
        "holds neither file nor folder: top/d",
    ),
    "character device": (
        tar(folder("top"), member("top/d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)),
        "holds neither file nor folder: top/d",
    ),
    "block device": (
        tar(folder("top"), member("top/d", type=tarfile.BLKTYPE)),
        "holds neither file nor folder: top/d",
    ),
    "FIFO": (
        tar(folder("top"), member("top/p", type=tarfile.FIFOTYPE)),
        "holds neither file nor folder: top/p",
    ),
    "sparse lie": (sparse(1 << 40), "holds neither file nor folder: top/s"),
    "small sparse file": (sparse(512), "holds neither file nor folder: top/s"),
    "size lie": (lying_size(100_000), DAMAGED),
    "truncated in a file": (tar(folder("top"), member("top/f", b"x" * 9999))[:5000], DAMAGED),
    "truncated gzip": (gzip.compress(tar(*GOOD))[:100], DAMAGED),
    "truncated bzip2": (bz2.compress(tar(*GOOD))[:-20], DAMAGED),
    "truncated xz": (lzma.compress(tar(*GOOD))[:100], DAMAGED),
    "bad bzip2 data": (bz2.compress(tar(*GOOD))[:50] + b"\0" * 400, DAMAGED),
    "no archive": (b"<!DOCTYPE html><html>" * 100, DAMAGED),
    "empty file": (b"", DAMAGED),
    "empty archive": (tar(), "holds nothing"),
    "two top folders": (
        tar(folder("top"), folder("other")),
        "does not have one single top folder",
    ),
    "file at the top": (tar(member("f", b"x")), "does not have one single top folder"),
}  # fmt: skip
