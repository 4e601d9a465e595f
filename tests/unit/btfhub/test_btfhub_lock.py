"""The lock: what it pins is what is used, and nothing gets into it unsaid."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hubs
import pytest
from http_server import Server, body
from hubs import JUNE, MAY, ROCK, SHIPPED, UBUNTU, entry, locked, packed

from base.errors import DroidbpfError
from btfhub import lock
from btfhub.__main__ import main

GOOD = json.loads(lock.render(locked([MAY])))["files"][0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The lock of a hub of two files."""
    path = tmp_path / "a.lock"
    lock.write(path, locked([MAY, ROCK]))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hub with one file more than the lock, and one less."""
    return hubs.fill(tmp_path / "hub", [MAY, JUNE])


def parsed(**changes: object) -> lock.Lock:
    return lock.parse(json.dumps({"schema": 1, "files": [GOOD | changes]}).encode(), "x")


def test_shipped_lock_pins_the_38_files_of_upstream_at_one_commit() -> None:
    shipped = lock.load(SHIPPED)
    assert len(shipped.files) == 38
    commit = "361f2cd2f2d063739c10d2698d31f0b266765290"
    base = f"https://raw.githubusercontent.com/SeeFlowerX/BTFHubForAndroid/{commit}/"
    assert shipped.url == base
    assert all(file.url == base + file.path for file in shipped.files.values())
    assert SHIPPED.read_bytes() == lock.render(shipped)


@pytest.mark.parametrize("name", ["a12-5.10-2021-09", "a13-5.10-lts", "rock5b-5.10-f9d1b1529"])
def test_shipped_lock_pins_the_real_files(name: str) -> None:
    path, file = hubs.real(name)
    data = path.read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)


def test_reading_the_lock_imports_nothing_for_downloads() -> None:
    code = "import sys, btfhub.lock; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["requests", "socket", "ssl", "tqdm", "lzma", "subprocess", "hashlib"]
    command = [sys.executable, "-c", code, *heavy]
    done = subprocess.run(command, cwd=hubs.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_is_written_is_read_again_and_gives_the_same_bytes(file: Path) -> None:
    again = lock.load(file)
    assert again == locked([MAY, ROCK])
    assert lock.render(again) == lock.render(locked([ROCK, MAY])) == file.read_bytes()


def test_file_that_upstream_lacks_has_no_url_after_reading(tmp_path: Path) -> None:
    own = lock.make(hubs.UPSTREAM, [entry(MAY), entry(ROCK, url="")])
    lock.write(tmp_path / "l", own)
    assert lock.load(tmp_path / "l").files["rock5b-5.10-f9d1b1529"].url == ""


def test_lock_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DroidbpfError, match=r"cannot write .*file/l: File exists"):
        lock.write(tmp_path / "file" / "l", locked())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "../a.btf.tar.xz"}, "path cannot be '../a.btf.tar.xz'"),
        ({"path": "/etc/a.btf.tar.xz"}, "path cannot be"),
        ({"path": "a/../../b.btf.tar.xz"}, "path cannot be"),
        ({"path": "a//b.btf.tar.xz"}, "path cannot be"),
        ({"path": "a/./b.btf.tar.xz"}, "path cannot be"),
        ({"path": "a\\b.btf.tar.xz"}, "path cannot be"),
        ({"path": "a\nb.btf.tar.xz"}, "path cannot be"),
        ({"path": "a.btf.tar.xz\n"}, "path cannot be"),
        ({"path": "-a.btf.tar.xz"}, "path cannot be"),
        ({"path": "a/" * 8 + "b.btf.tar.xz"}, "path cannot be"),
        ({"path": "index.json"}, "path cannot be"),
        ({"path": "a" * 10**6}, "path cannot be 'aaa"),
        ({"path": ["a"]}, "path cannot be ['a']"),
        ({"name": ""}, "name cannot be ''"),
        ({"name": "\x1b[31m"}, r"name cannot be '\x1b[31m'"),
        ({"name": None}, "name cannot be None"),
        ({"size": -1}, "size cannot be -1"),
        ({"size": 0}, "size cannot be 0"),
        ({"size": 10**30}, "size cannot be 1000"),
        ({"size": 1.5}, "size cannot be 1.5"),
        ({"size": True}, "size cannot be True"),
        ({"size": "12"}, "size cannot be '12'"),
        ({"btf_size": 1 << 40}, "btf_size cannot be"),
        ({"sha256": "0" * 63}, "sha256 cannot be"),
        ({"sha256": "A" * 64}, "sha256 cannot be"),
        ({"month": "2022-5"}, "month cannot be"),
        ({"branch": "a b"}, "branch cannot be"),
        ({"url": "file:///etc/passwd"}, "url cannot be"),
        ({"color": "red"}, "unknown key 'color'"),
    ],
)
def test_hostile_entry_is_one_clear_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        parsed(**changes)
    assert failure.value.message.startswith(f"x: file 1: {message}")
    assert len(failure.value.message) < 200
    assert failure.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "x is not valid JSON: "),
        (b"\xff\xfe", "x is not valid JSON: "),
        (b"[" * 100_000, "x is not valid JSON: "),
        (b'{"schema": 1' + b"0" * 5000 + b"}", "x is not valid JSON: "),
        (b"[]", "x is neither the lock nor the index of a hub"),
        (b'{"files": []}', "x is neither the lock nor the index of a hub"),
        (b'{"schema": 2, "files": []}', "x has schema 2; this program reads 1"),
        (b'{"schema": 1, "files": {}}', "x: files must be a list"),
        (b'{"schema": 1, "files": [3]}', "x: file 1 is not an object"),
        (b'{"schema": 1, "files": [{}]}', "x: file 1 has no name"),
        (b'{"schema": 1, "url": "ftp://x/", "files": []}', "x: url must be an http(s) URL"),
        (b'{"schema": 1, "url": "http://x", "files": []}', "x: url must be an http(s) URL"),
        (b" " * (lock.LARGEST + 1), f"x is larger than {lock.LARGEST} bytes"),
    ],
)
def test_hostile_document_is_one_clear_error(text: bytes, message: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        lock.parse(text, "x")
    assert failure.value.message.startswith(message)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"path": "other.btf.tar.xz"}])
def test_name_or_path_that_is_there_twice_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(DroidbpfError, match=r"x: file 2: .* is there twice"):
        lock.parse(json.dumps({"schema": 1, "files": [GOOD, GOOD | changes]}).encode(), "x")


def run(*arguments: object) -> int:
    return main(["lock", *map(str, arguments)])


def test_lock_adds_what_the_hub_has_beyond_and_says_so(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--hub", folder, "--lock", file) == 0
    assert capsys.readouterr().out == (
        f"added a12-5.10-2022-06: {JUNE}, {len(packed(JUNE))} bytes\n"
        "not in the hub: rock5b-5.10-f9d1b1529\n"
    )
    pinned = lock.load(file)
    assert pinned.files == locked([MAY, ROCK]).files | {"a12-5.10-2022-06": entry(JUNE, url="")}
    before = file.read_bytes()
    assert run("--hub", folder, "--lock", file) == 0
    assert "the lock has all 2 files of the hub" in capsys.readouterr().out
    assert file.read_bytes() == before


def test_lock_of_a_new_hub_begins_empty(tmp_path: Path, folder: Path) -> None:
    assert run("--hub", folder, "--lock", tmp_path / "new") == 0
    assert list(lock.load(tmp_path / "new").files) == ["a12-5.10-2022-05", "a12-5.10-2022-06"]


def test_other_bytes_than_pinned_are_refused_by_both_hashes(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / MAY).write_bytes(packed(ROCK))
    before = file.read_bytes()
    assert run("--hub", folder, "--lock", file) == 2
    new = hashlib.sha256(packed(ROCK)).hexdigest()
    assert capsys.readouterr().err == (
        "error: the hub has other bytes than the lock pins:\n"
        f"  a12-5.10-2022-05: the lock has sha256 {entry(MAY).sha256} "
        f"({entry(MAY).size} bytes), the hub {new} ({len(packed(ROCK))} bytes)\n"
        "hint: ask the hub's owner why; --replace a12-5.10-2022-05 accepts them\n"
    )
    assert file.read_bytes() == before
    assert run("--hub", folder, "--lock", file, "--replace", "a12-5.10-2022-05") == 0
    replaced = lock.load(file).files["a12-5.10-2022-05"]
    assert (replaced.sha256, replaced.url) == (new, "")


def test_nothing_is_replaced_that_is_the_same(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--hub", folder, "--lock", file, "--replace", "a12-5.10-2022-05") == 2
    assert "there is nothing to replace" in capsys.readouterr().err


def test_check_only_compares(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert run("--check", "--hub", folder, "--lock", file) == 1
    assert capsys.readouterr().out.startswith(f"not in the lock: {JUNE}\n")
    (folder / JUNE).unlink()
    assert run("--check", "--hub", folder, "--lock", file) == 0
    assert file.read_bytes() == before


def test_damaged_archive_is_not_pinned(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_bytes()
    (folder / JUNE).write_bytes(packed(JUNE)[:-20])
    assert run("--hub", folder, "--lock", file) == 2
    assert f"the archive {folder / JUNE} is cut off" in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.fixture
def site(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_proxy: None) -> Server:
    """A web server that is a hub of two files, with an index."""
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    index = lock.render(lock.make("", [entry(MAY, ""), entry(UBUNTU, "")]))
    server.routes |= {"/index.json": body(index)}
    server.routes |= {f"/{path}": body(packed(path)) for path in (MAY, UBUNTU)}
    return server


def test_lock_adds_what_a_web_server_has_by_its_index(file: Path, site: Server) -> None:
    assert run("--hub", site.url, "--lock", file, "--json") == 0
    added = lock.load(file).files["5.4.0-42-generic"]
    assert added == entry(UBUNTU, f"{site.url}/")
    assert site.paths == ["/index.json", f"/{UBUNTU}"]


def test_credentials_of_a_hub_stay_out_of_the_lock(file: Path, site: Server) -> None:
    assert run("--hub", site.url.replace("//", "//me:secret@"), "--lock", file) == 0
    assert b"secret" not in file.read_bytes()


def test_web_server_without_an_index_is_not_guessed_at(
    file: Path, site: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    del site.routes["/index.json"]
    assert run("--hub", site.url, "--lock", file) == 2
    assert capsys.readouterr().err == (
        f"error: {site.url} has no index.json, so its content is unknown\n"
        "hint: run ./dev btfhub index DIR on the folder that it serves\n"
    )


def test_index_that_lies_is_found_out(
    file: Path, site: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    table = json.loads(lock.render(lock.make("", [entry(UBUNTU, "")])))
    table["files"][0]["btf_sha256"] = "0" * 64
    site.routes["/index.json"] = body(json.dumps(table).encode())
    before = file.read_bytes()
    assert run("--hub", site.url, "--lock", file) == 2
    assert f"the BTF in {UBUNTU} is not the one of the hub's index" in capsys.readouterr().err
    assert file.read_bytes() == before
