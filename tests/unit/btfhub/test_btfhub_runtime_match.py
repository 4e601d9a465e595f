"""btfhub/runtime in C, built for this machine with sanitizers, decides as btfhub/match.py does."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from runtime_on_host import RELEASES, build_driver

from base.errors import DroidbpfError
from btfhub import embed, lock, match
from btfhub.names import parse_name, parse_release

ROOT = Path(__file__).resolve().parents[3]
OWN = ("5.10.223-android12-9-00001-g5eedb9f00001-ab1234567", "5.10.101", "6.1.0-50-cloud-arm64")
# Releases are made of these, one of each line, so that many come close to something that fits.
PIECES = [
    line.split(",")
    for line in (
        "5.10,5.10,5.10,5.15,6.1,05.10,5.010,5,5.1000000000",
        ".101,.101,.43,.107,.168,.223,.999,.1000000000,.0101,.,",
        "-android12-9,-android12-9,-android13-4,-android12-6,-android14-11,-android0-9,"
        "-android12-9a,-android12,-android1234567890-9,",
        ",-00004,-00004-dirty,-004,-00004x,-000041",
        ",-gf9d1b1529,-gf9d1b15,-gf9d1b1529abc,-g5eedb9f00001,-gki-xaga/f388d74f,-gf9d1b1,"
        "-g0123456789012345678901234567890123456789a,-gF9D1B15",
        ",-dirty,-perf,-o-g",
        ",-ab8602202,-ab8540602,-abP8602202,-ab8602202x,-ab,-ab12345678901234567890,"
        "-ab7943734,-ab7792588,-ab1234567",
        ",,-4k,+,-o123, ,\t,\x7f",
    )
]


def releases(count: int) -> list[str]:
    """Return real and generated releases, always the same ones."""
    choose = random.Random(3)
    made = ["".join(map(choose.choice, PIECES)) for _ in range(count)]
    return [*RELEASES, *OWN, "", "x" * 65, "5.10.1" + "-" * 58, "5.10.1" + "-" * 59, *made]


@pytest.fixture(scope="module")
def keys() -> list[match.Key]:
    """Return the keys of the whole upstream hub, and of a user's BTFs."""
    names = [*lock.load(ROOT / "btfhub/btfhub.lock").files, *OWN]
    return [match.key(parse_name(name)) for name in names]


@pytest.fixture(scope="module")
def in_c(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[list[match.Key], list[str]], list[str]]:
    """Return a function that asks the C code about releases, for embedded BTFs."""
    folder = tmp_path_factory.mktemp("runtime")
    driver = build_driver(folder)

    def ask(keys: list[match.Key], texts: list[str]) -> list[str]:
        data = folder / "packed"
        data.write_bytes(embed.pack([embed.Entry(key, b"btf") for key in keys]))
        done = subprocess.run(
            [driver, "match", data], input="\n".join(texts) + "\n", capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return ask


def in_python(keys: list[match.Key], text: str) -> str:
    try:
        r = parse_release(text)
    except DroidbpfError:
        return "none"
    rank, name = next(((rank, key.name) for rank, key in match.ranked(r, keys)), (0, ""))
    parts = (r.version, r.sublevel, r.android, r.kmi, r.commit, r.build, rank, name)
    return "|".join(map(str, parts))


Ask = Callable[[list[match.Key], list[str]], list[str]]


def test_c_and_python_agree_on_every_release(in_c: Ask, keys: list[match.Key]) -> None:
    texts = releases(20000)
    expected = [in_python(keys, text) for text in texts]
    assert in_c(keys, texts) == expected
    ranks = {line.split("|")[6] for line in expected if line != "none"}
    assert ranks == {"0", "1", "2", "3", "4"}  # the test has seen all that can be


def test_c_and_python_agree_whatever_is_embedded(in_c: Ask, keys: list[match.Key]) -> None:
    choose = random.Random(4)
    texts = releases(300)
    for _ in range(40):
        some = choose.sample(keys, choose.randrange(len(keys)))
        assert in_c(some, texts) == [in_python(some, text) for text in texts]


def test_c_and_python_agree_on_keys_that_differ_in_one_thing(in_c: Ask) -> None:
    def made(name: str, **changes: object) -> match.Key:
        values = {"version": "5.10", "android": 12, "kmi": 9, "sublevel": 101, **changes}
        return match.Key(name, **values)  # type: ignore[arg-type]

    all_keys = [
        made("b"), made("a"), made("month", month=202204), made("later", month=202205),
        made("released", release="5.10.101-android12-9-x"), made("other", kmi=6),
        made("unknown", sublevel=-1), made("exact", exact_only=True, builds=("1", "8602202")),
        made("build", sublevel=-1, builds=("86022020", "8602202")), made("old", sublevel=43),
        made("commit", android=0, kmi=-1, commit="f9d1b1529"), made("new", sublevel=223),
        made("short commit", commit="f9d1b1"), made("version", version="5.15"),
    ]  # fmt: skip
    choose = random.Random(5)
    texts = ["5.10.101-android12-9-x", *releases(300)]
    for _ in range(30):
        some = choose.sample(all_keys, 4)
        assert in_c(some, texts) == [in_python(some, text) for text in texts]
