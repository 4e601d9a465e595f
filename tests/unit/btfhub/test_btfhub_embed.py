"""What is embedded in programs: small, always the same, and what was packed comes out again."""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from pathlib import Path

import embedded
import pytest

from base.errors import DroidbpfError
from btfhub import embed, lock, match
from btfhub.embed import Entry
from btfhub.match import Key
from btfhub.names import parse_name

ROOT = Path(__file__).resolve().parents[3]
SMALL = Entry(Key("a", "5.10"), b"btf")
FULL = Entry(
    Key("b", "5.10", 12, 9, 101, 202205, True, "f9d1b1529", ("8602202", "P12"), "5.10.101-x"),
    bytes(range(256)) * 3,
    True,
)
UNKNOWN = Entry(Key("c", sublevel=-1, kmi=-1), b"")


@pytest.fixture(scope="module")
def hub() -> list[Entry]:
    """Return the whole upstream hub, minimized to noise of the size that proc_mon's BTFs have."""
    names = sorted(lock.load(ROOT / "btfhub/btfhub.lock").files)
    noise = random.Random(1)
    distinct = [noise.randbytes(300) + b"\0task_struct\0" * 40 for _ in range(5)]
    return [
        Entry(match.key(parse_name(name)), distinct[number % 5])
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize("entries", [[], [SMALL], [SMALL, FULL, UNKNOWN]])
def test_what_was_packed_comes_out(entries: list[Entry]) -> None:
    assert embedded.unpack(embed.pack(entries)) == entries


def test_the_order_makes_no_difference(hub: list[Entry]) -> None:
    shuffled = random.Random(2).sample(hub, len(hub))
    assert embed.pack(shuffled) == embed.pack(hub)
    assert embedded.unpack(embed.pack(shuffled)) == hub


def test_equal_btfs_are_stored_once() -> None:
    noise = random.Random(1).randbytes(5000)
    entries = [Entry(Key(f"kernel {number}"), noise) for number in range(30)]
    assert len(embed.pack(entries)) < len(embed.pack(entries[:1])) + 200


def test_the_whole_hub_takes_at_most_4_kb(hub: list[Entry]) -> None:
    assert len(hub) == 38
    assert len(embed.pack(hub)) <= 4096


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(DroidbpfError, match=r"^error: two BTFs to embed have the name a$"):
        embed.pack([SMALL, FULL, SMALL])


@pytest.mark.parametrize(
    "key",
    [
        Key("a\0b"),
        Key("naïve"),
        Key("a", month=-1),
        Key("a", sublevel=1 << 31),
        Key("a", android=1 << 40),
        Key("a", builds=("1 2",)),
        Key("a", builds=("",)),
    ],
)
def test_a_key_that_cannot_be_stored_is_refused(key: Key) -> None:
    with pytest.raises(DroidbpfError, match=r"^error: the key of '.*' "):
        embed.pack([Entry(key, b"btf")])


def test_too_much_is_refused() -> None:
    with pytest.raises(
        DroidbpfError, match=r"^error: the BTFs to embed have \d+ bytes, more than 4194304"
    ):
        embed.pack([Entry(Key("a"), bytes(embed.MAX_RAW_BYTES))])


def test_every_truncation_is_reported() -> None:
    data = embed.pack([SMALL, FULL, UNKNOWN])
    for size in range(len(data)):
        with pytest.raises(DroidbpfError, match=r"^error: the embedded BTFs are damaged: "):
            embedded.unpack(data[:size])


def test_a_damaged_one_is_reported_or_read() -> None:
    raw = bytearray(zlib.decompress(embed.pack([SMALL, FULL, UNKNOWN])[12:]))
    choose, reported = random.Random(7), []
    for _ in range(5000):
        mutant = bytearray(raw)
        for _ in range(choose.randrange(1, 4)):
            mutant[choose.randrange(len(mutant))] = choose.choice((0, 1, 127, 128, 255))
        header = embed.HEADER.pack(embed.MAGIC, embed.FORM, len(mutant))
        try:
            embedded.unpack(header + zlib.compress(bytes(mutant)))
        except DroidbpfError as error:
            reported.append(error.message)
    assert 500 < len(reported) < 5000
    assert all(message.startswith("the embedded BTFs are damaged: ") for message in reported)


def test_what_inflates_to_more_than_it_says_is_reported() -> None:
    header = embed.HEADER.pack(embed.MAGIC, embed.FORM, 1000)
    with pytest.raises(
        DroidbpfError, match=r"^error: the embedded BTFs are damaged: the size is wrong$"
    ):
        embedded.unpack(header + zlib.compress(bytes(64 << 20)))


def test_the_c_file_has_the_same_bytes(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    data = embed.pack([SMALL, FULL])
    (tmp_path / "btfs.c").write_text(embed.c_source(data))
    (tmp_path / "main.c").write_text(
        "#include <unistd.h>\n"
        "extern const unsigned char droidbpf_btfs[];\n"
        "extern const unsigned int droidbpf_btfs_size;\n"
        "int main(void) { return write(1, droidbpf_btfs, droidbpf_btfs_size) < 0; }\n"
    )
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "btfs.c", "main.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "main"], stdout=subprocess.PIPE, check=True).stdout == data
