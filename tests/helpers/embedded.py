"""Reads what btfhub.embed packs, as btfhub/runtime/embedded.c does."""

from __future__ import annotations

import zlib

from btfhub.embed import ENTRY, NUMBER, Entry
from btfhub.match import Key


def unpack(data: bytes) -> list[Entry]:
    """Return the entries of pack()'s bytes, without their months."""
    raw = zlib.decompress(data[NUMBER.size :])
    (size,), (n_entries,) = NUMBER.unpack_from(data), NUMBER.unpack_from(raw)
    assert len(raw) == size
    entries = []
    for number in range(n_entries):
        fields = ENTRY.unpack_from(raw, NUMBER.size + number * ENTRY.size)
        sublevel, android, kmi, place, btf_size, exact_only, careful, *texts = fields
        name, builds, version, commit, release = (
            text.rstrip(b"\0").decode("ascii") for text in texts
        )
        key = Key(
            name=name,
            version=version,
            android=android,
            kmi=kmi,
            sublevel=sublevel,
            exact_only=exact_only,
            commit=commit,
            builds=tuple(builds.split()),
            release=release,
        )
        entries.append(Entry(key, raw[place : place + btf_size], careful))
    return entries
