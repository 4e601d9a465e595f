"""The CO-RE relocations of a BPF object: .BTF.ext, with the names that .BTF has for it.

The meaning of an access string is that of libbpf's relo_core.c.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from base.errors import DroidbpfError
from btfhub import btf, btf_ext, elf, typegraph
from btfhub.btf import ARRAY
from btfhub.file_errors import errors_of, file_errors

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
LOCAL_KIND = "local_type_id"  # the one that no kernel decides
FIELD_KINDS = frozenset(KINDS[: KINDS.index(LOCAL_KIND)])
ENUM_KINDS = frozenset({"enumval_exists", "enumval_value"})
# libbpf answers these with 0 where nothing matches. The others poison the instruction.
ASKING_KINDS = frozenset(
    {"field_exists", "type_exists", "type_matches", "enumval_exists", "type_size", "target_type_id"}
)

# As is_flavor_sep() of libbpf's relo_core.c has it.
_FLAVOUR = re.compile(r"(.*[^_])(___[^_].*)", re.DOTALL)
_ACCESS = re.compile(r"[0-9]{1,9}(:[0-9]{1,9}){0,63}")
_LARGEST = 4 << 20  # of a section, bytes; those of apps have some 10,000
_MOST_TEXT = 1 << 20  # characters of all names that relocations are made of
_OBJECT = (64, "little", "EM_BPF")


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

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What relocations have in common that find the same in a kernel."""
        return self.type, self.flavour, self.path, self.kind


def count(path: Path) -> int:
    """Return the number of CO-RE relocations of a BPF object that depend on the kernel.

    Raises:
        DroidbpfError: it is not a sound BPF object.
    """
    with errors_of(f"{path.name} is not a sound BPF object"):
        _, data = _sections(path)
        kinds = [_kind(one) for one in btf_ext.relocations(data)] if data else []
        return len(kinds) - kinds.count(LOCAL_KIND)


def wanted(path: Path) -> list[Wanted]:
    """Return the CO-RE relocations of a BPF object, in the order in which libbpf numbers them.

    Raises:
        DroidbpfError: it is not a sound BPF object.
    """
    with errors_of(f"{path.name} is not a sound BPF object"):
        return _wanted(*_sections(path))


def fields(relocations: Iterable[Wanted]) -> frozenset[tuple[str, str]]:
    """Return the (struct, member) pairs that the offsets of relocations are made of.

    `task->thread_info.flags` is ("task_struct", "thread_info") and ("thread_info", "flags").
    """
    offsets = (relocation for relocation in relocations if relocation.kind == "byte_off")
    return frozenset(field for relocation in offsets for field in relocation.fields)


def _sections(path: Path) -> tuple[bytes, bytes]:
    """Return .BTF and .BTF.ext of an object, b"" for those that it lacks."""
    with file_errors("read", path), path.open("rb") as file:
        object_ = elf.read(file) if file.read(len(elf.MAGIC)) == elf.MAGIC else None
        if object_ is None or object_.kind != _OBJECT:
            raise DroidbpfError("it is not an ELF file for BPF")
        sections = map(object_.section, (".BTF", ".BTF.ext"))
        types, extension = (object_.content(one, _LARGEST) if one else b"" for one in sections)
        return types, extension


def _wanted(data: bytes, extension: bytes) -> list[Wanted]:
    if not extension:
        return []
    types = btf.walk(data)
    functions = {
        btf_ext.word(extension, section): places
        for section, places in btf_ext.records(extension, btf_ext.FUNCTIONS)
    }
    found: list[Wanted] = []
    left = _MOST_TEXT
    for one in btf_ext.relocations(extension):
        section = elf.text(types.strings, one.section)
        program = section
        # Of each function: its offset, which ascends, and its type.
        places = functions.get(one.section, range(0))
        offset = partial(btf_ext.word, extension)
        if before := bisect_right(places, one.offset, key=offset):
            number = btf_ext.word(extension, places[before - 1] + btf.WORD)
            program = types.name(types.resolved(number)) or section
        access = elf.text(types.strings, one.access)
        kind = _kind(one)
        name, path, pairs = _spec(types, one.type, access, kind)
        texts = [section, program, name, path, *(text for pair in pairs for text in pair)]
        left -= sum(map(len, texts))
        if left < 0:
            raise DroidbpfError("its relocations have too many names")
        if not "".join(texts).isprintable():
            raise DroidbpfError("a name has characters that cannot be printed")
        name, flavour = flavoured(name)
        found.append(
            Wanted(section, one.number, program, kind, one.type, name, flavour, path, pairs)
        )
    return found


def _kind(relocation: btf_ext.Relocation) -> str:
    if relocation.kind >= len(KINDS):
        raise DroidbpfError(f".BTF.ext: unknown kind {relocation.kind} of relocation")
    return KINDS[relocation.kind]


def _spec(
    types: btf.Layout, root: int, access: str, kind: str
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return the name of the root type, the path, and the fields on it."""
    if not _ACCESS.fullmatch(access):
        raise DroidbpfError(f".BTF.ext: {access[:40]!a} is no access string")
    first, *steps = [int(step) for step in access.split(":")]
    here = types.resolved(root)
    name = types.name(root) or "<anon>"
    if kind in ENUM_KINDS:
        return name, f"::{typegraph.member(types, here, first).name}", ()
    if kind not in FIELD_KINDS:
        return name, "", ()
    path = f"[{first}]" if first else ""
    owner = name
    pairs = []
    for step in steps:
        if types.kind(here) == ARRAY:
            path += f"[{step}]"
            target = types.behind(here)[0]
        else:
            member = typegraph.member(types, here, step)
            target = member.type
            if member.name:
                path += f".{member.name}"
                pairs.append((flavoured(owner)[0], member.name))
                owner = ""
        here = types.resolved(target)
        owner = types.name(here) or types.name(target) or owner
    return name, path, tuple(pair for pair in pairs if pair[0])


def flavoured(name: str) -> tuple[str, str]:
    """Divide a name at its last triple underscore, as libbpf does."""
    divided = _FLAVOUR.fullmatch(name)
    return (divided[1], divided[2]) if divided else (name, "")
