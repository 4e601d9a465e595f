"""Makes bad BTFs and archives of good ones: the same number gives the same bytes, everywhere."""

from __future__ import annotations

import io
import lzma
import random
import struct
import tarfile
from array import array
from collections.abc import Callable, Iterable, Sequence

from btfhub import btf

EXTREMES = (0, 1, 2, 0x7FFF, 0xFFFF, 0x1_0000, 0xFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
_HEADER_FORMAT = "<HBBIIIII"


def build(types: Sequence[int] | array[int], strings: bytes) -> bytes:
    """Return a BTF with these words of types and these strings."""
    words = types if isinstance(types, array) else array("I", types)
    size = 4 * len(words)
    head = struct.pack(
        _HEADER_FORMAT, btf.MAGIC, 1, 0, btf.HEADER.size, 0, size, size, len(strings)
    )
    return head + words.tobytes() + strings


def info(kind: int, members: int = 0, flag: int = 0) -> int:
    """Return the info word of a type."""
    return flag << 31 | kind << 24 | members


def every_kind() -> bytes:
    """Return a small sound BTF with each kind of type in it."""
    strings = b"\0a\0task_struct\0.data\0"
    int_, proto, pointer, function, variable, composite = 1, 2, 3, 4, 5, 7
    types = [
        *(1, info(btf.INT), 4, 0x0100_0020),
        *(0, info(btf.FUNC_PROTO, 2), int_, 1, pointer, 0, 0),
        *(0, info(btf.PTR), composite),
        *(1, info(btf.FUNC, 1), proto),
        *(1, info(btf.VAR), int_, 1),
        *(0, info(btf.ARRAY), 0, int_, int_, 4),
        *(3, info(btf.STRUCT, 3, 1), 32, 1, pointer, 0, 1, int_, 3 << 24 | 64, 0, 6, 128),
        *(1, info(btf.UNION, 2), 32, 1, composite, 0, 1, int_, 0),
        *(1, info(btf.ENUM, 1), 4, 1, 7),
        *(1, info(btf.ENUM64, 1), 8, 1, 7, 7),
        *(1, info(btf.FWD), 0),
        *(1, info(btf.TYPEDEF), composite),
        *(0, info(btf.VOLATILE), 12),
        *(0, info(btf.CONST), 13),
        *(0, info(btf.RESTRICT), pointer),
        *(1, info(btf.FLOAT), 8),
        *(1, info(btf.DATASEC, 1), 4, variable, 0, 4),
        *(1, info(btf.DECL_TAG), composite, 1),
        *(1, info(btf.DECL_TAG), function, 0),
        *(1, info(btf.TYPE_TAG), pointer),
    ]
    return build(types, strings)


def mutated(good: bytes, layout: btf.Layout, number: int) -> bytes:
    """Return a BTF with one to four changes.

    Args:
        good: a sound BTF.
        layout: of it.
        number: which one.
    """
    dice = random.Random(number)
    data = bytearray(good)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        dice.choice(_CHANGES)(data, layout, dice)
    return bytes(data)


def _truncate(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    del data[dice.randrange(len(data) + 1) :]


def _flip(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 16)):
        if data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _put(data: bytearray, at: int, word: int) -> None:
    if at + 4 <= len(data):
        struct.pack_into("<I", data, at, word & 0xFFFF_FFFF)


def _word(layout: btf.Layout, dice: random.Random) -> int:
    """Return a word that may do harm: extreme, a type, nearly a type, a position in the strings."""
    types = len(layout.starts)
    near = types + dice.randint(-2, 2)
    return dice.choice(
        (*EXTREMES, near, dice.randrange(types), len(layout.strings), dice.getrandbits(32))
    )


def _head(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    if len(data) >= btf.HEADER.size:
        at = dice.choice((0, 2, 3, 4, 8, 12, 16, 20))
        size = 1 if at in (2, 3) else 2 if at == 0 else 4
        old = int.from_bytes(data[at : at + size], "little")
        new = dice.choice((_word(layout, dice), old + dice.choice((-24, -4, -1, 1, 4, 24))))
        data[at : at + size] = (new % (1 << 8 * size)).to_bytes(size, "little")


def _own_word(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    """Change what a type says of itself: its name, its kind, its size or what it refers to."""
    start = dice.choice(layout.starts)
    which = dice.randrange(3)
    new = _word(layout, dice)
    if which == 1:
        old = layout.words[start + 1]
        members = dice.choice((old & 0xFFFF, 0, 1, 0xFFFF, dice.randrange(0x10000)))
        new = info(dice.randrange(32), members, dice.randrange(2))
    _put(data, btf.HEADER.size + 4 * (start + which), new)


def _member(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    """Change one word of what follows a type, or make it refer to a type around it."""
    number = dice.randrange(1, len(layout.starts))
    if inner := layout.behind(number):
        word = dice.choice((_word(layout, dice), number, number + 1, number - 1))
        at = layout.starts[number] + btf.OWN + dice.randrange(len(inner))
        _put(data, btf.HEADER.size + 4 * at, word)


def _refer(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    """Make two types refer to each other: a circle, where their kinds have it so."""
    one, other = dice.randrange(1, len(layout.starts)), dice.randrange(1, len(layout.starts))
    for number, target in ((one, other), (other, one)):
        _put(data, btf.HEADER.size + 4 * (layout.starts[number] + 2), target)


def _splice(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    """Insert, remove or repeat some words, and make the header fit."""
    end = btf.HEADER.size + 4 * len(layout.words)
    if len(data) < end:
        return
    at = btf.HEADER.size + 4 * dice.randrange(len(layout.words))
    words = 4 * dice.randint(1, 6)
    before = len(data)
    if dice.randrange(2):
        data[at:at] = data[at : at + words] if dice.randrange(2) else dice.randbytes(words)
    else:
        del data[at : min(at + words, end)]
    size = 4 * len(layout.words) + len(data) - before
    _put(data, 12, size)
    _put(data, 16, size)


def _string(data: bytearray, layout: btf.Layout, dice: random.Random) -> None:
    """Change bytes of the strings, NULs among them."""
    begin = btf.HEADER.size + 4 * len(layout.words)
    for _ in range(dice.randint(1, 8)):
        if begin < len(data):
            data[dice.randrange(begin, len(data))] = dice.choice((0, 1, 27, 255, 65))


_CHANGES: tuple[Callable[[bytearray, btf.Layout, random.Random], None], ...] = (
    *(_truncate, _flip, _head, _own_word, _own_word, _member, _member, _refer, _splice, _string),
)


_INT = (1, info(btf.INT), 4, 32)
_POINTER = (0, info(btf.PTR), 0)
_ROOM = btf.MAX_BYTES - 4096  # bytes for types, or for strings
_LONG_NAME = b"\0" + b"x" * (btf.MAX_NAME - 1) + b"\0"


def _pointers(targets: Iterable[int]) -> bytes:
    types = array("I", _POINTER) * btf.MAX_TYPES
    types[2::3] = array("I", targets)
    return build(types, b"\0")


def _repeated(make: Callable[[int], Sequence[int]], strings: bytes = b"\0a\0") -> bytes:
    """Build a BTF of an INT and what is made for 2, 3, …: as many types as there may be."""
    types = array("I", _INT)
    for number in range(2, btf.MAX_TYPES + 1):
        types.extend(make(number))
        if 4 * len(types) > _ROOM:
            break
    return build(types, strings)


def _forms() -> bytes:
    """Build structs with 0, 1, 2, … members: each is in a group of its own."""
    types = array("I", _INT)
    for members in range(2000):
        types.extend((1, info(btf.STRUCT, members), 4))
        types.extend((1, 1, 0) * members)
    return build(types, b"\0a\0")


def _wide() -> bytes:
    """Build structs with as many members as there may be."""
    struct_ = array("I", (1, info(btf.STRUCT, 65535), 4)) + array("I", (1, 1, 0)) * 65535
    return build(array("I", _INT) + struct_ * (_ROOM // 4 // len(struct_)), b"\0a\0")


def _many() -> bytes:
    """Build a union of 65535 structs, each of which contains a struct."""
    types = array("I", (*_INT, 1, info(btf.STRUCT, 1), 4, 1, 1, 0))
    for _ in range(65535):
        types.extend((1, info(btf.STRUCT, 1), 4, 1, 2, 0))
    types.extend((1, info(btf.UNION, 65535), 4))
    for number in range(3, 65538):
        types.extend((1, number, 0))
    return build(types, b"\0a\0")


# As large as they may be, each made to cost a reader the most of something.
WORST: dict[str, Callable[[], bytes]] = {
    "one type too many": lambda: build(array("I", _POINTER) * (btf.MAX_TYPES + 1), b"\0"),
    "pointers": lambda: _pointers([0] * btf.MAX_TYPES),
    "pointer to the next": lambda: _pointers(range(2, btf.MAX_TYPES + 2)),
    "pointer to the last": lambda: _pointers(range(btf.MAX_TYPES)),
    "circle of pointers": lambda: _pointers([*range(2, btf.MAX_TYPES + 1), 1]),
    "longest chains": lambda: _pointers(n if n % 64 else 0 for n in range(btf.MAX_TYPES)),
    "structs in structs": lambda: _repeated(
        lambda number: (1, info(btf.STRUCT, 1), 4, 1, number - 1, 0), _LONG_NAME
    ),
    "unions, doubled again and again": lambda: _repeated(
        lambda number: (0, info(btf.UNION, 2), 4, 0, number - 1, 0, 0, number - 1, 0)
    ),
    "nested as deep as may be": lambda: _repeated(
        lambda number: (1, info(btf.STRUCT, 1), 4, 1, number - 1 if number % 64 else 1, 0),
        b"\0task_struct\0",
    ),
    "one union of many structs": _many,
    "functions that take functions": lambda: _repeated(
        lambda number: (0, info(btf.FUNC_PROTO, 2), 1, 0, 1, 0, max(1, number - 1))
    ),
    "arrays of arrays": lambda: _repeated(
        lambda number: (0, info(btf.ARRAY), 0, number - 1, 1, 0xFFFF)
    ),
    "structs of 65535 members": _wide,
    "forms of structs": _forms,
    "long names": lambda: build(array("I", (1, info(btf.STRUCT), 0)) * btf.MAX_TYPES, _LONG_NAME),
    "empty names": lambda: build(_INT, bytes(_ROOM)),
    "short names": lambda: build(_INT, b"\0" + b"ab\0" * (_ROOM // 3)),
    "one long name": lambda: build(_INT, b"\0" + b"x" * _ROOM + b"\0"),
    "a byte too large": lambda: build(_INT, bytes(btf.MAX_BYTES - btf.HEADER.size - 15)),
}


def mutated_archive(btf_file: bytes, number: int) -> bytes:
    """Return a hub's archive with one to three changes in the tar inside, or in the xz outside.

    Args:
        btf_file: what is in the archive.
        number: which one.
    """
    dice = random.Random(number)
    members = [("a.btf", btf_file, tarfile.REGTYPE)]
    if not dice.randrange(4):
        kind = dice.choice((tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.REGTYPE))
        name = dice.choice(("../a.btf", "/a.btf", "b.btf", "x" * 300, "a.btf"))
        members.insert(dice.randrange(2), (name, b"", kind))
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, kind in members:
            info_ = tarfile.TarInfo(name)
            info_.size, info_.type = len(content), kind
            tar.addfile(info_, io.BytesIO(content))
    data = bytearray(inner.getvalue())
    inside = dice.randrange(4) > 0
    if not inside:
        data = bytearray(lzma.compress(data, preset=0))
    for _ in range(dice.randint(0, 3)):
        change = dice.randrange(4)
        if change == 0:
            del data[dice.randrange(len(data) + 1) :]
        elif change == 1 and data:
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 600)] = dice.randbytes(dice.randint(0, 600))
        elif data:
            data[dice.randrange(min(len(data), 1024))] = dice.choice((0, 255, 48, 55, 128, 76))
    return lzma.compress(data, preset=0) if inside else bytes(data)
