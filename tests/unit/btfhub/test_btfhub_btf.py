"""The BTF gate: real BTF passes, what is wrong is named with its place; structs are as in C."""

from __future__ import annotations

import struct
import time

import hubs
import pytest
from btf_mutations import build, every_kind, info

from base.errors import DroidbpfError
from btfhub import archive, btf, images, plausible
from btfhub.typegraph import Struct, structs
from vmlinux import renew

GOOD = every_kind()
STRINGS = b"\0int\0a\0"
INT = (1, info(btf.INT), 4, 0x0100_0020)


def header(**changes: int) -> bytes:
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "size": 24, "type_off": 0}
    fields |= {"type_len": 16, "str_off": 16, "str_len": len(STRINGS)} | changes
    return struct.pack("<HBBIIIII", *fields.values())


def types(*words: int) -> bytes:
    """Return a BTF with an int as type 1, and the types of these words."""
    return build((*INT, *words), STRINGS)


def refusal(data: bytes) -> str:
    with pytest.raises(DroidbpfError) as caught:
        btf.check(data)
    return caught.value.message


def test_btf_with_every_kind_of_type_passes() -> None:
    assert btf.check(GOOD) == 20
    assert set(btf.walk(GOOD).kinds()) == set(range(20))


@pytest.mark.parametrize("arch", renew.ARCHES)
def test_a_distributions_kernel_passes_and_is_of_its_architecture(arch: str) -> None:
    data = images.read(renew.FOLDER / f"{arch}.btf.xz")
    begin = time.process_time()
    assert btf.check(data) > 100_000
    assert time.process_time() - begin < 1
    assert plausible.kernel(data) == arch
    (other,) = set(renew.ARCHES) - {arch}
    with pytest.raises(DroidbpfError) as caught:
        plausible.kernel(data, other)
    assert caught.value.message == f"BTF: it is of a kernel for {arch}, not for {other}"


@pytest.mark.parametrize(
    "name", ["a12-5.10-2021-09", "a13-5.10-2023-04", "a13-5.10", "rock5b-5.10-f9d1b1529"]
)
def test_real_hub_files_pass(name: str) -> None:
    data = archive.unpack(hubs.real(name)[0])[1]
    assert btf.check(data) > 120_000
    assert plausible.kernel(data, "arm64") == "arm64"


BODY = struct.pack("<4I", *INT) + STRINGS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "BTF: shorter than its header"),
        (header(magic=0x9FEB) + BODY, "BTF: it is a big-endian kernel's"),
        (header(magic=0x457F) + BODY, "BTF: it begins with 0x457f, not with the magic 0xeb9f"),
        (header(version=2) + BODY, "BTF: version 2, flags 0x0, header of 24 bytes"),
        (header(flags=1) + BODY, "BTF: version 1, flags 0x1, header of 24 bytes"),
        (header(size=32) + BODY, "BTF: version 1, flags 0x0, header of 32 bytes"),
        (header() + BODY[:-1], "BTF: its header states 47 bytes, there are 46"),
        (header() + BODY + b"\0", "BTF: its header states 47 bytes, there are 48"),
        *(
            (
                header(**changes) + BODY,
                "BTF: the sections of types and strings are not one after the other",
            )
            for changes in (
                {"str_off": 8}, {"str_off": 20}, {"type_off": 4}, {"type_len": 14}, {"str_len": 0}
            )
        ),
        (
            header(type_len=0xFFFF_FFFC, str_off=0xFFFF_FFFC) + BODY,
            "BTF: 4294967323 bytes, more than 24 MiB",
        ),
        (header() + b"x" + BODY[1:-1] + b"x", "BTF: the strings do not begin and end with a NUL"),
        (build(INT[:3], STRINGS), "BTF: type 1 is cut off"),
        (build((*INT, 0), STRINGS), "BTF: type 2 is cut off"),
        (build(INT, b"\0" + b"x" * 4096 + b"\0"), "BTF: a string has more than 4095 bytes"),
    ],
)  # fmt: skip
def test_broken_frame_is_refused(data: bytes, message: str) -> None:
    assert refusal(data) == message


POINTER_TO = (0, info(btf.PTR))
ARRAY = (0, info(btf.ARRAY), 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (types(0, info(20), 0), "BTF: type 2 is of unknown kind 20"),
        (types(0, info(btf.PTR) | 1 << 16, 0), "BTF: type 2 has unknown flags: 0x02010000"),
        (types(0, info(btf.PTR, 0, 1), 0), "BTF: type 2 has unknown flags: 0x82000000"),
        (types(0, info(btf.PTR, 1), 0), "BTF: type 2, of kind 2, has members"),
        (types(8, info(btf.PTR), 0), "BTF: type 2 has its name outside the strings"),
        (types(0, info(btf.TYPEDEF), 1), "BTF: type 2 has no name"),
        (types(5, info(btf.FWD), 1), "BTF: type 2 (a) refers to type 1, of the wrong kind 1"),
        (types(5, info(btf.FLOAT), 3), "BTF: type 2 (a) has a size of 3 bytes"),
        (types(5, info(btf.ENUM), 5), "BTF: type 2 (a) has a size of 5 bytes"),
        (types(5, info(btf.INT), 4, 33), "BTF: type 2 (a) is an integer of unknown form"
         " 0x00000021"),
        (types(5, info(btf.INT), 4, 3 << 24 | 32), "BTF: type 2 (a) is an integer of unknown form"
         " 0x03000020"),
        (types(5, info(btf.FUNC), 1), "BTF: type 2 (a) refers to type 1, of the wrong kind 1"),
        (types(*POINTER_TO, 3), "BTF: type 2 refers to type 3 of 2"),
        (types(*POINTER_TO, 0xFFFF_FFFF), "BTF: type 2 refers to type 4294967295 of 2"),
        (types(5, info(btf.VAR), 1, 0, *POINTER_TO, 2),
         "BTF: type 3 refers to type 2, of the wrong kind 14"),
        (types(*ARRAY, 9, 1, 2), "BTF: type 2 refers to type 9 of 2"),
        (types(*ARRAY, 1, 0, 2), "BTF: type 2 refers to type 0, of the wrong kind 0"),
        (types(5, info(btf.STRUCT, 1), 4, 9, 1, 0),
         "BTF: type 2 (a) has a member's name outside the strings"),
        (types(5, info(btf.STRUCT, 2), 8, 5, 1, 0, 5, 4, 32),
         "BTF: type 2 (a) refers to type 4 of 2"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 0, 0),
         "BTF: type 2 (a) refers to type 0, of the wrong kind 0"),
        (types(0, info(btf.FUNC_PROTO, 1), 0, 5, 7), "BTF: type 2 refers to type 7 of 2"),
        (types(5, info(btf.DATASEC, 1), 4, 1, 0, 4),
         "BTF: type 2 (a) refers to type 1, of the wrong kind 1"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 1, 8), "BTF: type 2 (a) has a member beyond its end"),
        (types(5, info(btf.STRUCT, 1, 1), 4, 5, 1, 4 << 24 | 29),
         "BTF: type 2 (a) has a member beyond its end"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 1, 0xFFFF_FFFF),
         "BTF: type 2 (a) has a member beyond its end"),
        (types(*ARRAY, 1, 1, 0x4000_0000), "BTF: type 2 is an array of 4294967296 bytes"),
        (types(*POINTER_TO, 2), "BTF: type 2 leads to itself"),
        (types(5, info(btf.TYPEDEF), 3, 0, info(btf.CONST), 2), "BTF: type 2 (a) leads to itself"),
        (types(*ARRAY, 2, 1, 0), "BTF: type 2 leads to itself"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 2, 0), "BTF: type 2 (a) contains itself"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 3, 0, *ARRAY, 2, 1, 0),
         "BTF: type 2 (a) contains itself"),
        (types(5, info(btf.STRUCT, 1), 4, 5, 3, 0, 5, info(btf.UNION, 1), 4, 5, 2, 0),
         "BTF: type 2 (a) contains itself"),
        (types(0, info(btf.FUNC_PROTO, 1), 0, 0, 3, *POINTER_TO, 2),
         "BTF: type 2 takes or gives itself"),
    ],
)  # fmt: skip
def test_types_that_lie_are_refused(data: bytes, message: str) -> None:
    assert refusal(data) == message


def test_a_struct_may_point_to_itself() -> None:
    assert btf.check(types(5, info(btf.STRUCT, 1), 8, 5, 3, 0, *POINTER_TO, 2)) == 3


def test_chains_and_nesting_are_bounded() -> None:
    pointers = [word for number in range(65) for word in (*POINTER_TO, number + 1)]
    assert btf.check(types(*pointers[: 64 * 3])) == 65
    assert refusal(types(*pointers)) == "BTF: type 66 is at the head of more than 64 types"
    nested = [w for n in range(66) for w in (5, info(btf.STRUCT, 1), 4, 5, n + 1, 0)]
    assert btf.check(types(*nested[: 64 * 6])) == 65
    assert refusal(types(*nested)) == "BTF: type 66 (a) contains types more than 64 deep"


def test_what_a_terminal_would_obey_is_not_in_a_message() -> None:
    data = build((1, info(btf.FLOAT), 3), b"\0\x1b[2J\0")
    assert refusal(data) == "BTF: type 1 (\\x1b[2J) has a size of 3 bytes"


def test_struct_has_the_members_of_nameless_ones_in_it_at_their_offsets() -> None:
    strings = b"\0int\0outer\0a\0b\0c\0"
    words = (1, info(btf.INT), 4, 32, 5, info(btf.STRUCT, 2), 12, 11, 1, 0, 0, 3, 32)
    words += (0, info(btf.STRUCT, 2, 1), 8, 13, 1, 5 << 24 | 3, 15, 1, 32)
    data = build(words, strings)
    btf.check(data)
    assert structs(data, ["outer"])["outer"] == (12, {"a": 0, "b": 35, "c": 64})
    assert structs(data, ["inner"]) == {}
    assert structs(data, ["x", "outer"]) == {"outer": Struct(12, {"a": 0, "b": 35, "c": 64})}


def test_struct_of_a_real_kernel_is_as_the_kernel_has_it() -> None:
    found = structs(images.read(renew.FOLDER / "x86_64.btf.xz"), ["pt_regs", "list_head"])
    assert found["list_head"] == (16, {"next": 0, "prev": 64})
    assert found["pt_regs"].size == 168
    assert found["pt_regs"].members["orig_ax"] == 8 * 120


def test_what_is_no_whole_kernel_is_reported() -> None:
    with pytest.raises(DroidbpfError) as caught:
        plausible.kernel(GOOD)
    assert caught.value.message == ("BTF: it is not a whole kernel's: there is no struct list_head")
