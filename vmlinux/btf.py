"""Finds and checks raw BTF (in the kernel: Documentation/bpf/btf.rst, include/uapi/linux/btf.h)."""

import struct
from collections.abc import Iterator

from fetch.errors import DroidbpfError

MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_TYPE = struct.Struct("<III")
# Kind → what follows a type's own 12 bytes: bytes in any case, and bytes for each of its members.
_EXTRA = {
    1: (4, 0),  # INT
    2: (0, 0),  # PTR
    3: (12, 0),  # ARRAY
    4: (0, 12),  # STRUCT
    5: (0, 12),  # UNION
    6: (0, 8),  # ENUM
    7: (0, 0),  # FWD
    8: (0, 0),  # TYPEDEF
    9: (0, 0),  # VOLATILE
    10: (0, 0),  # CONST
    11: (0, 0),  # RESTRICT
    12: (0, 0),  # FUNC
    13: (0, 8),  # FUNC_PROTO
    14: (4, 0),  # VAR
    15: (0, 12),  # DATASEC
    16: (0, 0),  # FLOAT
    17: (4, 0),  # DECL_TAG
    18: (0, 0),  # TYPE_TAG
    19: (0, 12),  # ENUM64
}


def check(data: bytes) -> int:
    """Give the number of types of a BTF that is sound in itself, to its last byte.

    Raises:
        DroidbpfError: what is wrong with it.
    """
    size = _size(data)
    if size != len(data):
        raise DroidbpfError(f"BTF: its header speaks of {size} bytes, there are {len(data)}")
    return sum(1 for _ in types(data))


def find(image: bytes) -> bytes:
    """Give the one BTF in an uncompressed kernel image.

    Raises:
        DroidbpfError: there is none, or there are several.
    """
    found = []
    position = -1
    beginning = struct.pack("<HBBI", MAGIC, 1, 0, _HEADER.size)
    while (position := image.find(beginning, position + 1)) >= 0:
        try:
            size = _size(image[position : position + _HEADER.size])
            data = image[position : position + size]
            check(data)
        except DroidbpfError:
            continue
        found.append(data)
    if len(found) != 1:
        raise DroidbpfError(f"{len(found)} BTFs in the kernel image instead of one")
    return found[0]


def _size(data: bytes) -> int:
    """Give the size of a BTF as its header tells; types come first, strings right behind them."""
    if len(data) < _HEADER.size:
        raise DroidbpfError("BTF: shorter than its header")
    magic, version, _, header, type_off, type_len, str_off, str_len = _HEADER.unpack_from(data)
    if (magic, version, header) != (MAGIC, 1, _HEADER.size):
        raise DroidbpfError(f"BTF: magic {magic:#x}, version {version}, header of {header} bytes")
    if type_off != 0 or type_len % 4 or str_off != type_len or not str_len:
        raise DroidbpfError("BTF: the sections of types and strings are not one after the other")
    return int(_HEADER.size + type_len + str_len)


def types(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give offset in bytes, kind and number of members of each type, checking it and the strings.

    Raises:
        DroidbpfError: a type is cut off, of unknown kind, or has its name outside the strings.
    """
    _size(data)
    *_, type_len, str_off, str_len = _HEADER.unpack_from(data)
    strings = data[_HEADER.size + str_off :]
    if strings[0] or strings[-1]:
        raise DroidbpfError("BTF: the strings do not begin and end with a NUL")
    position, end, count = _HEADER.size, _HEADER.size + type_len, 0
    while position < end:
        count += 1
        if position + _TYPE.size > end:
            raise DroidbpfError(f"BTF: type {count} is cut off")
        name, info, _ = _TYPE.unpack_from(data, position)
        kind, members = info >> 24 & 0x1F, info & 0xFFFF
        extra = _EXTRA.get(kind)
        if extra is None or name >= str_len:
            raise DroidbpfError(f"BTF: type {count} has an unknown kind or a name outside")
        yield position, kind, members
        position += _TYPE.size + extra[0] + members * extra[1]
    if position != end:
        raise DroidbpfError(f"BTF: type {count} is cut off")


def name(data: bytes, offset: int) -> bytes:
    """Give the name of the type at an offset that types() gave."""
    *_, str_off, _ = _HEADER.unpack_from(data)
    begin = _HEADER.size + str_off + _TYPE.unpack_from(data, offset)[0]
    return data[begin : data.index(b"\0", begin)]
