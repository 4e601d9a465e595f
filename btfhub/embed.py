"""Packs minimized BTFs, each with the kernels it is for, as they are embedded in a program.

The form, which runtime/embedded.c reads; numbers have four bytes, the lowest first, texts end by a
NUL:

    "dBTF", version of the form, size of the rest when it is inflated; the rest, a zlib stream:
    number of BTFs, number of entries,
    for each BTF its size and its bytes,
    for each entry the number of its BTF, flags, month, sublevel, android, kmi, and the texts
    name, version, commit, release, builds (with a space between two).
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from base.errors import DroidbpfError
from btfhub.match import Key

MAGIC = b"dBTF"
FORM = 1
MAX_RAW_BYTES = 4 << 20  # when inflated; MAX_RAW_SIZE of runtime/embedded.c
_HEADER = struct.Struct("<4sII")
_NUMBER = struct.Struct("<I")
_ENTRY = struct.Struct("<IIIiii")
_TEXTS = ("name", "version", "commit", "release")
_EXACT_ONLY, _CAREFUL = 1, 2


@dataclass(frozen=True)
class Entry:
    """A BTF to embed.

    Attributes:
        key: what a kernel must have for it.
        btf: minimized, raw.
        careful: the app reads fields that this BTF may have in wrong places, those near
            task_struct.static_prio: it is refused where that one is not found.
    """

    key: Key
    btf: bytes
    careful: bool = False


def pack(entries: Sequence[Entry]) -> bytes:
    """Give what is embedded for these entries; their order makes no difference.

    Raises:
        DroidbpfError: two entries have one name, a value cannot be stored, or it is all too much.
    """
    entries = sorted(entries, key=lambda entry: entry.key.name)
    names = [entry.key.name for entry in entries]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DroidbpfError(f"two BTFs to embed have the name {twice[0]}")
    # Similar ones one after the other, as zlib looks back 32 kB.
    btfs = sorted({entry.btf: None for entry in entries}, key=lambda btf: (len(btf), btf))
    numbers = {btf: number for number, btf in enumerate(btfs)}
    raw = b"".join(
        [
            _NUMBER.pack(len(btfs)) + _NUMBER.pack(len(entries)),
            *(_NUMBER.pack(len(btf)) + btf for btf in btfs),
            *(_entry(entry, numbers[entry.btf]) for entry in entries),
        ]
    )
    if len(raw) > MAX_RAW_BYTES:
        raise DroidbpfError(
            f"the BTFs to embed have {len(raw)} bytes, more than {MAX_RAW_BYTES}",
            "name fewer kernels",
        )
    return _HEADER.pack(MAGIC, FORM, len(raw)) + zlib.compress(raw, 9)


def _entry(entry: Entry, number: int) -> bytes:
    key = entry.key
    flags = key.exact_only * _EXACT_ONLY | entry.careful * _CAREFUL
    texts = [*(getattr(key, field) for field in _TEXTS), " ".join(key.builds)]
    try:
        numbers = _ENTRY.pack(number, flags, key.month, key.sublevel, key.android, key.kmi)
        data = [text.encode("ascii") for text in texts]
    except (struct.error, UnicodeEncodeError) as error:
        raise DroidbpfError(f"the key of {key.name!a} cannot be stored: {error}") from error
    if any(b"\0" in text for text in data) or any(not b or " " in b for b in key.builds):
        raise DroidbpfError(f"the key of {key.name!a} has a text that cannot be stored")
    return numbers + b"".join(text + b"\0" for text in data)


def unpack(data: bytes) -> list[Entry]:
    """Give the entries of what pack() gave, by name.

    Raises:
        DroidbpfError: it is damaged.
    """
    try:
        return _unpack(data)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise DroidbpfError(f"the embedded BTFs are damaged: {error}") from error


def _unpack(data: bytes) -> list[Entry]:
    magic, form, size = _HEADER.unpack_from(data)
    if magic != MAGIC or form != FORM or not 0 < size <= MAX_RAW_BYTES:
        raise ValueError("the header is wrong")
    stream = zlib.decompressobj()
    raw = stream.decompress(data[_HEADER.size :], size + 1)
    if len(raw) != size or not stream.eof or stream.unused_data:
        raise ValueError("the size is wrong")
    (n_btfs,), (n_entries,) = _NUMBER.unpack_from(raw), _NUMBER.unpack_from(raw, 4)
    position, btfs, entries = 8, [], []
    if max(n_btfs, n_entries) > size:
        raise ValueError("the numbers are wrong")
    for _ in range(n_btfs):
        (btf_size,) = _NUMBER.unpack_from(raw, position)
        begin = position + _NUMBER.size
        position = begin + btf_size
        if position > size:
            raise ValueError("a BTF is cut off")
        btfs.append(raw[begin:position])
    for _ in range(n_entries):
        number, flags, month, sublevel, android, kmi = _ENTRY.unpack_from(raw, position)
        position += _ENTRY.size
        texts = []
        for _ in range(len(_TEXTS) + 1):
            end = raw.index(b"\0", position)
            texts.append(raw[position:end].decode("ascii"))
            position = end + 1
        name, version, commit, release, builds = texts
        exact_only, careful = bool(flags & _EXACT_ONLY), bool(flags & _CAREFUL)
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


def c_source(data: bytes) -> str:
    """Give the C file that defines what runtime/droidbpf.c looks for, with what pack() gave."""
    lines = [
        "\t" + " ".join(f"{byte:#04x}," for byte in data[begin : begin + 16])
        for begin in range(0, len(data), 16)
    ]
    return "\n".join(
        [
            "/* Minimized BTFs of kernels, packed by btfhub/embed.py. */",
            "const unsigned char droidbpf_btfs[] = {",
            *lines,
            "};",
            "const unsigned int droidbpf_btfs_size = sizeof(droidbpf_btfs);",
            "",
        ]
    )
