"""What a BPF object says of its CO-RE relocations: .BTF.ext, with the names that .BTF has for it.

Formats: Documentation/bpf/btf.rst (.BTF.ext), include/uapi/linux/bpf.h (struct bpf_core_relo) of
the kernel; libbpf's relo_core.c for what an access string means.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError
from btfhub import typegraph
from btfhub.btf import ARRAY

# enum bpf_core_relo_kind, by the names that libbpf prints.
KINDS = (
    "byte_off",
    "byte_sz",
    "field_exists",
    "signed",
    "lshift_u64",
    "rshift_u64",
    "local_type_id",
    "target_type_id",
    "type_exists",
    "type_size",
    "enumval_exists",
    "enumval_value",
    "type_matches",
)
FIELD_KINDS = frozenset(KINDS[:6])
ENUM_KINDS = frozenset({"enumval_exists", "enumval_value"})
# libbpf gives an answer to these where nothing matches: 0. The others poison the instruction.
ASKING_KINDS = frozenset(
    {"field_exists", "type_exists", "type_matches", "enumval_exists", "type_size", "target_type_id"}
)

# As is_flavor_sep() of libbpf's relo_core.c has it.
_FLAVOUR = re.compile(r"(.*[^_])(___[^_].*)", re.DOTALL)
_ACCESS = re.compile(r"[0-9]{1,9}(:[0-9]{1,9}){0,63}")
_LARGEST = 64 << 20
_EXECUTABLE = 4
_FUNCTION = 2


@dataclass(frozen=True)
class Wanted:
    """A CO-RE relocation as an object has it, before there is a kernel.

    `section` and `number` are those that libbpf prints, `program` the function that it is in.
    `type` is the name without its flavour (`___old`), `path` what is behind it: `.mm`, `.bits[0]`,
    `::BPF_MAP_TYPE_RINGBUF`, "" for a whole type. `fields` are the members on the way, each with
    the name of the struct that it is in.
    """

    section: str
    number: int
    program: str
    kind: str
    type_id: int
    type: str
    flavour: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()


def count(path: Path) -> int:
    """Give the number of CO-RE relocations of a BPF object that depend on the kernel.

    Raises:
        DroidbpfError: it is no sound BPF object.
    """
    sections, _ = _elf(path)
    data = sections.get(".BTF.ext")
    try:
        return sum(kind != "local_type_id" for *_, kind in _records(data)) if data else 0
    except (struct.error, IndexError, DroidbpfError) as error:
        raise _unsound(path, error) from error


def wanted(path: Path) -> list[Wanted]:
    """Give the CO-RE relocations of a BPF object, in the order in which libbpf numbers them.

    Raises:
        DroidbpfError: it is no sound BPF object.
    """
    sections, functions = _elf(path)
    if ".BTF.ext" not in sections:
        return []
    try:
        data = sections[".BTF"]
        types = typegraph.load(data)
        header, *_, str_off, str_len = struct.unpack_from("<IIIII", data, 4)
        strings = data[header + str_off :][:str_len]
        found: list[Wanted] = []
        for title, number, offset, type_id, access, kind in _records(sections[".BTF.ext"]):
            section = _text(strings, title)
            program = _function(functions.get(section, []), offset) or section
            name, path_text, fields = _spec(types, type_id, _text(strings, access), kind)
            if not f"{section}{program}{name}{path_text}".isprintable():
                raise DroidbpfError("a name has characters that cannot be printed")
            name, flavour = flavoured(name)
            found.append(
                Wanted(section, number, program, kind, type_id, name, flavour, path_text, fields)
            )
        return found
    except (struct.error, IndexError, KeyError, ValueError, DroidbpfError) as error:
        raise _unsound(path, error) from error


def fields(objects: Sequence[Path]) -> frozenset[tuple[str, str]]:
    """Give the (struct, member) pairs that the offsets of objects' relocations are made of.

    `task->thread_info.flags` is ("task_struct", "thread_info") and ("thread_info", "flags").

    Raises:
        DroidbpfError: one is no sound BPF object.
    """
    return frozenset(
        field
        for path in objects
        for relocation in wanted(path)
        if relocation.kind == "byte_off"
        for field in relocation.fields
    )


def _unsound(path: Path, error: Exception) -> DroidbpfError:
    why = error.message if isinstance(error, DroidbpfError) else "it is cut off or malformed"
    return DroidbpfError(f"{path.name} is no sound BPF object: {why}")


def _elf(path: Path) -> tuple[dict[str, bytes], dict[str, list[tuple[int, str]]]]:
    """Give an object's .BTF and .BTF.ext, and (offset, name) of the functions in each section."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise DroidbpfError(f"cannot read {path}: {error.strerror}") from error
    try:
        # e_ident: 64 bits, little endian; e_machine: BPF.
        if data[:6] != b"\x7fELF\2\1" or data[18:20] != b"\xf7\0" or len(data) > _LARGEST:
            raise DroidbpfError("it is no ELF file for BPF")
        (table,) = struct.unpack_from("<Q", data, 40)
        size, number, names = struct.unpack_from("<HHH", data, 58)
        if size != 64:
            raise DroidbpfError(f"section headers of {size} bytes")
        headers = [struct.unpack_from("<IIQQQQII", data, table + 64 * i) for i in range(number)]
        bodies = [data[h[4] : h[4] + h[5]] if h[1] != 8 else b"" for h in headers]
        titles = [_text(bodies[names], h[0]) for h in headers]
        sections = {t: b for t, b in zip(titles, bodies, strict=True) if t in (".BTF", ".BTF.ext")}
        functions: dict[str, list[tuple[int, str]]] = {}
        for header, body in zip(headers, bodies, strict=True):
            if header[1] != 2:  # SHT_SYMTAB
                continue
            whole = body[: len(body) // 24 * 24]
            for name, info, _, index, value, _ in struct.iter_unpack("<IBBHQQ", whole):
                if info & 15 == _FUNCTION and index < number and headers[index][2] & _EXECUTABLE:
                    symbol = _text(bodies[header[6]], name)
                    functions.setdefault(titles[index], []).append((value, symbol))
    except (struct.error, IndexError, ValueError, DroidbpfError) as error:
        raise _unsound(path, error) from error
    return sections, {title: sorted(found) for title, found in functions.items()}


def _records(data: bytes) -> Iterator[tuple[int, int, int, int, int, str]]:
    """Give name of section, number in it, offset, type, access string, kind of each relocation."""
    magic, version, _, header = struct.unpack_from("<HBBI", data)
    if (magic, version) != (0xEB9F, 1):
        raise DroidbpfError(f".BTF.ext: magic {magic:#x}, version {version}")
    if header < 32:
        return  # older than CO-RE
    begin, length = struct.unpack_from("<II", data, 24)
    position, end = header + begin, header + begin + length
    if end > len(data):
        raise DroidbpfError(".BTF.ext is cut off")
    if not length:
        return
    (step,) = struct.unpack_from("<I", data, position)
    if step < 16:
        raise DroidbpfError(f".BTF.ext: relocations of {step} bytes")
    position += 4
    while position < end:
        section, number = struct.unpack_from("<II", data, position)
        position += 8
        if not number or number * step > end - position:
            raise DroidbpfError(".BTF.ext is cut off")
        for i in range(number):
            offset, type_id, access, kind = struct.unpack_from("<IIII", data, position)
            if kind >= len(KINDS):
                raise DroidbpfError(f".BTF.ext: unknown kind {kind} of relocation")
            yield section, i, offset, type_id, access, KINDS[kind]
            position += step


def _spec(
    types: list[typegraph.Type], type_id: int, access: str, kind: str
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Give the name of the root type, the path, and the fields on it."""
    name = types[type_id].name or "<anon>"
    if not _ACCESS.fullmatch(access):
        raise DroidbpfError(f".BTF.ext: {access[:40]!a} is no access string")
    steps = [int(step) for step in access.split(":")]
    _, here = typegraph.resolved(types, type_id)
    if kind in ENUM_KINDS:
        return name, f"::{here.members[steps[0]].name}", ()
    if kind not in FIELD_KINDS:
        return name, "", ()
    path = f"[{steps[0]}]" if steps[0] else ""
    owner = name
    pairs = []
    for step in steps[1:]:
        if here.kind == ARRAY:
            path += f"[{step}]"
            target = here.target
        else:
            member = here.members[step]
            target = member.type
            if member.name:
                path += f".{member.name}"
                pairs.append((flavoured(owner)[0], member.name))
                owner = ""
        owner = types[target].name or owner
        _, here = typegraph.resolved(types, target)
        owner = here.name or owner
    return name, path, tuple(pair for pair in pairs if pair[0])


def flavoured(name: str) -> tuple[str, str]:
    """Divide a name at its last triple underscore, as libbpf does."""
    divided = _FLAVOUR.fullmatch(name)
    return (divided[1], divided[2]) if divided else (name, "")


def _function(functions: list[tuple[int, str]], offset: int) -> str:
    before = bisect_right(functions, offset, key=lambda function: function[0])
    return functions[before - 1][1] if before else ""


def _text(strings: bytes, offset: int) -> str:
    if offset >= len(strings):
        raise DroidbpfError("a name is outside the strings")
    return strings[offset : strings.index(b"\0", offset)].decode(errors="backslashreplace")
