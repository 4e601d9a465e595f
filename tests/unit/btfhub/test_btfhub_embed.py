"""What is embedded in programs: small, always the same, and what was packed comes out again."""

from __future__ import annotations

import random
import shutil
import subprocess
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
    Key("b", "5.10", 12, 9, 101, 0, True, "f9d1b1529", ("8602202", "P12"), "5.10.101-x"),
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


@pytest.mark.parametrize("entries", [[], [SMALL], [FULL, SMALL, UNKNOWN]])
def test_what_was_packed_comes_out(entries: list[Entry]) -> None:
    assert embedded.unpack(embed.pack(entries)) == entries


def test_the_order_makes_no_difference(hub: list[Entry]) -> None:
    shuffled = random.Random(2).sample(hub, len(hub))
    assert embed.pack(shuffled) == embed.pack(hub)


def test_equal_btfs_are_stored_once() -> None:
    noise = random.Random(1).randbytes(5000)
    entries = [Entry(Key(f"kernel {number}"), noise) for number in range(30)]
    assert len(embed.pack(entries)) < len(embed.pack(entries[:1])) + 300


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
        Key("a", sublevel=1 << 31),
        Key("a", android=1 << 40),
        Key("a" * 80),
        Key("a", builds=("8602202",) * 9),
    ],
)
def test_a_key_that_cannot_be_stored_is_refused(key: Key) -> None:
    with pytest.raises(DroidbpfError, match=r"^error: the key of '.*' "):
        embed.pack([Entry(key, b"btf")])


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
