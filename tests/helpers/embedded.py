"""Reads what btfhub.embed packs, as btfhub/runtime/embedded.c does."""

from __future__ import annotations

import struct
import zlib

from base.errors import DroidbpfError
from btfhub.embed import (
    CAREFUL,
    ENTRY,
    EXACT_ONLY,
    FORM,
    HEADER,
    MAGIC,
    MAX_RAW_BYTES,
    NUMBER,
    TEXTS,
    Entry,
)
from btfhub.match import Key


def unpack(data: bytes) -> list[Entry]:
    """Return the entries of pack()'s bytes, by name.

    Raises:
        DroidbpfError: it is damaged.
    """
    try:
        return _unpack(data)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise DroidbpfError(f"the embedded BTFs are damaged: {error}") from error


def _unpack(data: bytes) -> list[Entry]:
    magic, form, size = HEADER.unpack_from(data)
    if magic != MAGIC or form != FORM or not 0 < size <= MAX_RAW_BYTES:
        raise ValueError("the header is wrong")
    stream = zlib.decompressobj()
    raw = stream.decompress(data[HEADER.size :], size + 1)
    if len(raw) != size or not stream.eof or stream.unused_data:
        raise ValueError("the size is wrong")
    (n_btfs,), (n_entries,) = NUMBER.unpack_from(raw), NUMBER.unpack_from(raw, 4)
    position, btfs, entries = 8, [], []
    if max(n_btfs, n_entries) > size:
        raise ValueError("the numbers are wrong")
    for _ in range(n_btfs):
        (btf_size,) = NUMBER.unpack_from(raw, position)
        begin = position + NUMBER.size
        position = begin + btf_size
        if position > size:
            raise ValueError("a BTF is cut off")
        btfs.append(raw[begin:position])
    for _ in range(n_entries):
        number, flags, month, sublevel, android, kmi = ENTRY.unpack_from(raw, position)
        position += ENTRY.size
        texts = []
        for _ in range(len(TEXTS) + 1):
            end = raw.index(b"\0", position)
            texts.append(raw[position:end].decode("ascii"))
            position = end + 1
        name, version, commit, release, builds = texts
        exact_only, careful = bool(flags & EXACT_ONLY), bool(flags & CAREFUL)
        key = Key(
            name,
            version,
            android,
            kmi,
            sublevel,
            month,
            exact_only,
            commit,
            tuple(builds.split()),
            release,
        )
        entries.append(Entry(key, btfs[number], careful))
    if position != size:
        raise ValueError("there is more than the entries")
    return entries
