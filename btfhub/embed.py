"""Packs minimized BTFs, each with the kernels it is for, as they are embedded in a program.

The form, little-endian: four bytes, the size of the rest when it is inflated; the rest is a zlib
stream of struct droidbpf_embedded (runtime/runtime.h), the summary of its entries, and the BTFs. Of
entries that fit equally well, the first is the best.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from base.errors import DroidbpfError
from btfhub import match
from btfhub.match import Key

MOST_NAMES = 6  # in a summary
NUMBER = struct.Struct("<I")
ENTRY = struct.Struct("<iiiII??80s64s24s41s65s")  # struct droidbpf_entry
_SIZES = (80, 64, 24, 41, 65)


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
        DroidbpfError: two entries have one name, or a value cannot be stored.
    """
    entries = sorted(entries, key=lambda entry: match.preference(entry.key))
    names = sorted(entry.key.name for entry in entries)
    if twice := [name for name in names if names.count(name) > 1]:
        raise DroidbpfError(f"two BTFs to embed have the name {twice[0]}")
    text = summary([entry.key for entry in entries]).encode() + b"\0"
    places, end = {}, NUMBER.size + ENTRY.size * len(entries) + len(text)
    # Similar ones one after the other, as zlib looks back 32 kB.
    for btf in sorted({entry.btf for entry in entries}, key=lambda btf: (len(btf), btf)):
        places[btf] = end
        end += len(btf)
    packed = b"".join(_entry(entry, places[entry.btf]) for entry in entries)
    raw = NUMBER.pack(len(entries)) + packed + text + b"".join(places)
    return NUMBER.pack(len(raw)) + zlib.compress(raw, 9)


def summary(keys: Sequence[Key]) -> str:
    """Return what is embedded in a line: the names, of more than MOST_NAMES the branches."""
    months: dict[str, set[str]] = {}
    for key in sorted(keys, key=lambda key: key.name):
        if len(keys) <= MOST_NAMES or not key.android or key.release:
            months[key.name] = set()
            continue
        branch = months.setdefault(f"android{key.android}-{key.version}", set())
        if key.month:  # the tip of a branch has none
            branch.add(f"{key.month // 100}-{key.month % 100:02}")
    parts = [
        f"{name} {'..'.join(sorted({min(some), max(some)}))}" if some else name
        for name, some in months.items()
    ]
    left = len(parts) - MOST_NAMES
    return ", ".join(parts[:MOST_NAMES]) + (f" and {left} more" if left > 0 else "")


def _entry(entry: Entry, place: int) -> bytes:
    key = entry.key
    try:
        texts = [
            text.encode("ascii")
            for text in (key.name, " ".join(key.builds), key.version, key.commit, key.release)
        ]
        numbers = (key.sublevel, key.android, key.kmi, place, len(entry.btf))
        packed = ENTRY.pack(*numbers, key.exact_only, entry.careful, *texts)
    except (struct.error, UnicodeEncodeError) as error:
        raise DroidbpfError(f"the key of {key.name!a} cannot be stored: {error}") from error
    if any(b"\0" in text or len(text) >= size for text, size in zip(texts, _SIZES, strict=True)):
        raise DroidbpfError(f"the key of {key.name!a} has a text that cannot be stored")
    return packed


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
