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
HEADER = struct.Struct("<4sII")
NUMBER = struct.Struct("<I")
ENTRY = struct.Struct("<IIIiii")
TEXTS = ("name", "version", "commit", "release")
EXACT_ONLY, CAREFUL = 1, 2


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
    """Return the bytes to embed for these entries; their order makes no difference.

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
            NUMBER.pack(len(btfs)) + NUMBER.pack(len(entries)),
            *(NUMBER.pack(len(btf)) + btf for btf in btfs),
            *(_entry(entry, numbers[entry.btf]) for entry in entries),
        ]
    )
    if len(raw) > MAX_RAW_BYTES:
        raise DroidbpfError(
            f"the BTFs to embed have {len(raw)} bytes, more than {MAX_RAW_BYTES}",
            "name fewer kernels",
        )
    return HEADER.pack(MAGIC, FORM, len(raw)) + zlib.compress(raw, 9)


def _entry(entry: Entry, number: int) -> bytes:
    key = entry.key
    flags = key.exact_only * EXACT_ONLY | entry.careful * CAREFUL
    texts = [*(getattr(key, field) for field in TEXTS), " ".join(key.builds)]
    try:
        numbers = ENTRY.pack(number, flags, key.month, key.sublevel, key.android, key.kmi)
        data = [text.encode("ascii") for text in texts]
    except (struct.error, UnicodeEncodeError) as error:
        raise DroidbpfError(f"the key of {key.name!a} cannot be stored: {error}") from error
    if any(b"\0" in text for text in data) or any(not b or " " in b for b in key.builds):
        raise DroidbpfError(f"the key of {key.name!a} has a text that cannot be stored")
    return numbers + b"".join(text + b"\0" for text in data)


def c_source(data: bytes) -> str:
    """Return the C file that defines what runtime/droidbpf.c looks for, from pack()'s bytes."""
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
