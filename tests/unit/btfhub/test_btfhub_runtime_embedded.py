"""btfhub/runtime in C reads what embed.py packs, and survives what is damaged."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from runtime_on_host import build_driver

from btfhub import embed, lock, match
from btfhub.match import Key
from btfhub.names import parse_name

ROOT = Path(__file__).resolve().parents[3]
EBADMSG = 74


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_driver(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def hub() -> list[embed.Entry]:
    """Return an entry for each file of the upstream hub, with five BTFs among them."""
    names = lock.load(ROOT / "btfhub/btfhub.lock").files
    return [
        embed.Entry(match.key(parse_name(name)), bytes([number % 5]) * 300, number % 2 == 0)
        for number, name in enumerate(names)
    ]


def listed(driver: Path, tmp_path: Path, data: bytes) -> tuple[int, list[str]]:
    """Return the exit status and the lines of the driver's list."""
    file = tmp_path / "packed"
    file.write_bytes(data)
    done = subprocess.run([driver, "list", file], capture_output=True, text=True)
    assert done.stderr == ""  # the sanitizers' reports
    return done.returncode, done.stdout.splitlines()


def line(entry: embed.Entry) -> str:
    k = entry.key
    values = (k.name, k.version, k.android, k.kmi, k.sublevel, int(k.exact_only))
    values += (k.commit, " ".join(k.builds), k.release, int(entry.careful), zlib.crc32(entry.btf))
    return "|".join(map(str, values))


def test_c_reads_every_entry_as_it_was_packed(
    driver: Path, tmp_path: Path, hub: list[embed.Entry]
) -> None:
    status, lines = listed(driver, tmp_path, embed.pack(hub))
    assert status == 0
    assert lines[:-1] == [
        line(entry) for entry in sorted(hub, key=lambda e: match.preference(e.key))
    ]


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        ([], ""),
        (["rock5b-5.10-f9d1b1529"], "rock5b-5.10-f9d1b1529"),
        (
            ["a12-5.10-2022-05", "a12-5.10-2021-09", "a12-5.10"],
            "a12-5.10, a12-5.10-2021-09, a12-5.10-2022-05",
        ),
        (
            [
                *(f"a12-5.10-2022-{month:02}" for month in range(1, 8)),
                "a13-5.10-2023-01",
                "a15-6.6",
                "5.10.1-android12-9",
            ],
            "5.10.1-android12-9, android12-5.10 2022-01..2022-07, android13-5.10 2023-01,"
            " android15-6.6",
        ),
        (
            [f"5.10.{sublevel}" for sublevel in range(10, 30)],
            "5.10.10, 5.10.11, 5.10.12, 5.10.13, 5.10.14, 5.10.15 and 14 more",
        ),
    ],
)
def test_what_is_embedded_is_reported_in_a_line(
    driver: Path, tmp_path: Path, names: list[str], reported: str
) -> None:
    entries = [embed.Entry(match.key(parse_name(name)), b"btf") for name in names]
    assert listed(driver, tmp_path, embed.pack(entries))[1][-1] == reported


def test_the_whole_hub_is_reported_in_a_line(
    driver: Path, tmp_path: Path, hub: list[embed.Entry]
) -> None:
    reported = listed(driver, tmp_path, embed.pack(hub))[1][-1]
    assert reported == (
        "android12-5.10 2021-09..2023-04, android13-5.10 2022-04..2023-04, rock5b-5.10-f9d1b1529"
    )


def packed(raw: bytes, size: int) -> bytes:
    return struct.pack("<I", size) + zlib.compress(raw)


GOOD = embed.pack([embed.Entry(Key("a", "5.10"), b"btf")])
RAW = zlib.decompress(GOOD[4:])


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:4],
        GOOD[:-1],
        GOOD[:20] + b"\xff" + GOOD[21:],
        GOOD[:-1] + b"\xff",
        packed(RAW, len(RAW) - 1),
        packed(RAW, len(RAW) + 1),
        packed(bytes(64 << 20), 1 << 20),
    ],
)
def test_damaged_data_is_reported_as_such(driver: Path, tmp_path: Path, data: bytes) -> None:
    assert listed(driver, tmp_path, data) == (1, [f"-{EBADMSG}"])


def test_no_damage_goes_unnoticed(driver: Path, tmp_path: Path, hub: list[embed.Entry]) -> None:
    file = tmp_path / "packed"
    file.write_bytes(embed.pack(hub[::3]))
    command = [driver, "fuzz", file, "0", "5000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    unnoticed, refused = (int(part.split()[0]) for part in done.stdout.split(", "))
    assert unnoticed == 0
    assert refused > 4000


def test_the_probe_reads_each_field_where_it_was_told(driver: Path) -> None:
    command = [driver, "assemble", "70000"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")  # the sanitizers know the room for it
    code = done.stdout.splitlines()
    assert code[0] == "18 r7 r2 0 77"  # BPF_LD_IMM64 of the map's value
    assert code[-1] == "95 r0 r0 0 0"  # BPF_EXIT
    # r3 += offset; the parent's tgid is the last one, at the same offset as the first
    added = [line.split()[-1] for line in code if line.startswith("07 r3 r0 0 ")]
    assert added == ["70000", "70001", "70002", "70004", "70005", "70003", "70000"]
