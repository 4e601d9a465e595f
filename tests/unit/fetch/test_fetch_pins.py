"""A pin is complete, or nothing is fetched."""

from pathlib import Path

import pytest

from base.errors import DroidbpfError
from fetch.pins import load

ROOT = Path(__file__).parents[3]
HASH = "0123456789abcdef" * 4
FIELDS = {
    "version": "'1'",
    "filename": "'a.tar'",
    "sha256": f"'{HASH}'",
    "size": "1",
    "urls": "['https://x/a.tar']",
}
PLACE = "[[a.distribution]]\nid='d'\nsuite='s'\npath='pool/a/b.tar'\nsnapshot='20260711T000000Z'\n"


def table(**changes: str) -> str:
    return "[a]\n" + "".join(f"{key} = {value}\n" for key, value in (FIELDS | changes).items())


BAD = [
    ("a = 1", ": [a] is not a table"),
    ("[a]", ": [a] has no version"),
    (table(sha256="0"), ": [a]: sha256 must be of type str"),
    (table(sha256="'ABC'"), ": [a]: sha256 must be 64 lowercase hex digits"),
    (table(size="-1"), ": [a]: size must be a number of bytes, or 0: not known"),
    (table(size="true"), ": [a]: size must be of type int"),
    (table(urls="['ftp://x']"), ": [a]: urls must be a list of http(s) URLs"),
    (table(filename="'../x'"), ": [a]: filename must be a plain file name"),
    (table(sha1="'x'"), ": [a]: unknown key sha1"),
    (table(distribution="1"), ": [a]: distribution must be written [[a.distribution]]"),
    (table() + "[[a.distribution]]", ": [[a.distribution]] has no id"),
    (
        table() + PLACE.replace("'s'", "'-o'"),
        ": [[a.distribution]]: suite must be a plain word",
    ),
    (
        table() + PLACE.replace("pool/", "pool/../"),
        ": [[a.distribution]]: path must be a path that begins with pool/",
    ),
    (
        table() + PLACE.replace("T", " "),
        ": [[a.distribution]]: snapshot must be a time like 20260711T000000Z",
    ),
    *(
        (
            table() + f"[[a.distribution]]\nlayout = {layout}",
            ": [[a.distribution]]: layout must pair upstream's folders with the archive's",
        )
        for layout in ("'src'", "{src = 1}", "{src = '../x'}", "{src = '/x'}", "{src = 'x/'}")
    ),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_bad_pin_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(text)
    with pytest.raises(DroidbpfError) as failure:
        load(path)
    assert failure.value.message == f"{path}{reason}"


@pytest.mark.parametrize("missing", ["sha256", "size"])
def test_unpinned_archive_is_an_error_that_says_how_to_pin(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "pins.toml"
    text = "".join(f"{key} = {value}\n" for key, value in FIELDS.items() if key != missing)
    path.write_text("[a]\n" + text)
    with pytest.raises(DroidbpfError) as failure:
        load(path)
    assert str(failure.value) == (
        f"error: {path}: [a] has no {missing}\nhint: `./dev fetch pin FILE_OR_URL` prints it"
    )


def test_broken_toml_and_missing_file_are_clear_errors(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    with pytest.raises(DroidbpfError) as failure:
        load(path)
    assert failure.value.message == f"cannot read the pins in {path}: No such file or directory"
    path.write_text("[a")
    with pytest.raises(DroidbpfError) as failure:
        load(path)
    assert failure.value.message.startswith(f"{path} is not valid TOML: ")


def test_repacked_archive_has_a_hash_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(table() + PLACE + PLACE + f"sha256='{'0' * 64}'\nsize=2\n")
    same, repacked = load(path)["a"].alternatives
    assert (same.sha256, same.size) == (HASH, 1)
    assert (repacked.sha256, repacked.size) == ("0" * 64, 2)
    assert load(path)["a"].accepted == {HASH: 1, "0" * 64: 2}


def test_archive_of_another_layout_says_which_folders_are_which(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    other = f"sha256='{'0' * 64}'\nsize=2\nlayout={{src='tools/bpf', 'a/b'='c'}}\n"
    path.write_text(table() + PLACE + other)
    pin = load(path)["a"]
    assert pin.layout("0" * 64) == {"src": "tools/bpf", "a/b": "c"}
    assert pin.layout(HASH) == {}


def test_the_projects_own_pins_are_complete() -> None:
    pins = load(ROOT / "third_party" / "sources.toml")
    versions = {pin.name: pin.version for pin in pins.values()}
    assert versions == {
        "libbpf": "1.5.0", "elfutils": "0.192", "zlib": "1.3.1", "bpftool": "7.5.0",
        "gnulib": "7818455",
    }  # fmt: skip
    assert all(pin.urls for pin in pins.values())
    assert all(pin.alternatives for pin in pins.values())
