"""The index of a hub: what it tells was unpacked and checked, and a hostile one is refused."""

import json
import os
from pathlib import Path

import hubs
import pytest
from http_server import Server, body, endless, status
from hubs import A13, JUNE, MAY, ROCK, UBUNTU, btf, entry, locked, packed

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import archive, index, lock
from btfhub.__main__ import main
from btfhub.hub import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A folder with archives in both layouts."""
    return hubs.fill(tmp_path / "hub", [MAY, A13, ROCK, UBUNTU])


def test_index_shows_of_each_archive_and_of_the_btf_in_it(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", str(hub)]) == 0
    written = json.loads((hub / "index.json").read_bytes())
    assert written["schema"] == 1
    assert [file["path"] for file in written["files"]] == [MAY, A13, ROCK, UBUNTU]
    may, inner = entry(MAY), btf(MAY.replace("/", "_"))
    assert written["files"][0] == {
        "name": "a12-5.10-2022-05",
        "path": MAY,
        "size": may.size,
        "sha256": may.sha256,
        "btf_size": len(inner),
        "btf_sha256": may.btf_sha256,
        "branch": "android12-5.10",
        "month": "2022-05",
    }
    assert [file["branch"] for file in written["files"][2:]] == ["rock5b", "ubuntu"]
    total = sum(entry(path).size for path in (MAY, A13, ROCK, UBUNTU))
    assert capsys.readouterr().out == (
        f"{hub}/index.json: 4 files, {total} bytes, checked\n"
        "  android12-5.10: 1\n  android13-5.10: 1\n  rock5b: 1\n  ubuntu: 1\n"
    )


def test_index_of_the_same_folder_has_the_same_bytes(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", str(hub)]) == 0
    first = (hub / "index.json").read_bytes()
    other = hubs.fill(tmp_path / "other", [UBUNTU, ROCK, A13, MAY])
    os.utime(other / MAY, (1, 1))
    capsys.readouterr()
    assert main(["index", str(other), "--json"]) == 0
    assert (other / "index.json").read_bytes() == first == capsys.readouterr().out.encode()
    assert sorted(path.name for path in other.iterdir()) == sorted(
        ["common-android12-5.10", "common-android13-5.10", "index.json", "rock5b", "ubuntu"]
    )


def test_release_with_an_android_part_is_of_that_branch(tmp_path: Path) -> None:
    path = "own/5.10.223-android12-9-nobtf.btf.tar.xz"
    made = index.of_folder(hubs.fill(tmp_path, [path]))
    assert made.files["5.10.223-android12-9-nobtf"].branch == "android12-5.10"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"junk", "the archive {path} is cut off"),
        (packed(JUNE)[:-30], "the archive {path} is cut off"),
        (archive.pack("x.txt", b"x"), "the archive {path} holds something else than one .btf file"),
        (archive.pack("x.btf", b"x"), "{path}: BTF: "),
        (archive.pack("x.btf", btf("int")[:-1]), "{path}: BTF: "),
    ],
)
def test_damaged_archive_is_named_and_no_index_written(
    hub: Path, capsys: pytest.CaptureFixture[str], data: bytes, message: str
) -> None:
    (hub / JUNE).write_bytes(data)
    assert main(["index", str(hub)]) == 2
    assert capsys.readouterr().err.startswith("error: " + message.format(path=hub / JUNE))
    assert not (hub / "index.json").exists()


def test_empty_archive_is_refused(hub: Path) -> None:
    (hub / JUNE).write_bytes(b"")
    with pytest.raises(DroidbpfError, match="has 0 bytes, not 1 to "):
        index.of_folder(hub)


def test_folder_without_archives_says_what_a_hub_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", str(tmp_path)]) == 2
    assert "hint: a hub holds FOLDER/NAME-arm64.btf.tar.xz or " in capsys.readouterr().err
    assert main(["index", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"error: there is no folder {tmp_path}/none\n"


@pytest.mark.parametrize("name", ["a12-5.10-2022-05", "rock5b-5.10-f9d1b1529"])
def test_index_of_a_real_file_is_what_the_lock_pins(tmp_path: Path, name: str) -> None:
    path, file = hubs.real(name)
    (tmp_path / file.path).parent.mkdir()
    (tmp_path / file.path).symlink_to(path)
    made = index.of_folder(tmp_path).files[name]
    assert lock.make("", [made]) == lock.parse(lock.render(lock.make("", [made])), "x")
    assert made._replace(url=file.url) == file


def serve(server: Server, *files: lock.HubFile) -> str:
    server.routes["/hub/index.json"] = body(lock.render(lock.make("", files)))
    return f"{server.url}/hub/"


def test_index_of_a_web_server_is_compared_with_the_lock(
    server: Server, settings: Settings
) -> None:
    changed = entry(ROCK)
    other = changed._replace(sha256="0" * 64, url="")
    hub = serve(server, entry(MAY, ""), other, entry(UBUNTU, ""))
    held = index.holding(Hub(hub, locked([MAY, JUNE, ROCK]), settings))
    assert list(held.files) == ["a12-5.10-2022-05", "rock5b-5.10-f9d1b1529"]
    assert held.files["rock5b-5.10-f9d1b1529"] == changed  # the pin holds, whatever a hub says
    assert held.differing == {"rock5b-5.10-f9d1b1529": (other.size, other.sha256)}
    assert held.unpinned == {"5.4.0-42-generic": UBUNTU}
    assert held.absent == ("a12-5.10-2022-06",)


def test_index_that_names_other_urls_is_not_followed(server: Server, settings: Settings) -> None:
    hub = serve(server, entry(UBUNTU, f"{server.url}/elsewhere/"))
    files = index.of_url(Hub(hub, locked(), settings))
    assert files == {UBUNTU: entry(UBUNTU, "")}


def test_web_server_without_an_index_holds_what_is_locked_and_that_is_reported(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    assert index.holding(Hub(server.url, locked(), settings)).files == locked().files
    assert reported == [
        f"{server.url} has no index.json: it is assumed to hold all that the lock pins"
    ]


def test_offline_no_index_is_asked_for(server: Server, settings: Settings) -> None:
    offline = settings._replace(offline=True)
    assert index.holding(Hub(server.url, locked(), offline)).files == locked().files
    assert server.requests == []


def test_server_in_trouble_is_not_taken_for_one_without_an_index(
    server: Server, settings: Settings
) -> None:
    server.routes["/index.json"] = status(403)
    with pytest.raises(DroidbpfError) as failure:
        index.holding(Hub(server.url, locked(), settings))
    assert failure.value.message == f"the index of {server.url} cannot be downloaded: HTTP 403"


def test_index_without_end_is_cut(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "LARGEST", 1 << 18)
    server.routes["/index.json"] = endless(b"[" * 65536)
    with pytest.raises(DroidbpfError, match="cannot be downloaded: more than 262144 bytes"):
        index.of_url(Hub(server.url, locked(), settings))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "../../etc/passwd.btf.tar.xz"}, "path cannot be '../../etc/passwd.btf.tar.xz'"),
        ({"path": "/etc/a.btf.tar.xz"}, "path cannot be '/etc/a.btf.tar.xz'"),
        ({"size": 10**20}, "size cannot be 1" + "0" * 20),
        ({"size": []}, r"size cannot be \[\]"),
    ],
)
def test_hostile_index_is_one_clear_error(
    server: Server, settings: Settings, changes: dict[str, object], message: str
) -> None:
    table = json.loads(lock.render(lock.make("", [entry(MAY, "")])))
    table["files"][0] |= changes
    server.routes["/index.json"] = body(json.dumps(table).encode())
    with pytest.raises(DroidbpfError, match=f"the index of {server.url}: file 1: {message}$"):
        index.of_url(Hub(server.url, locked(), settings))


def test_index_in_a_folder_is_no_authority_over_its_files(hub: Path, settings: Settings) -> None:
    lie = lock.make("", [entry(MAY, "")._replace(sha256="0" * 64)])
    lock.write(hub / "index.json", lie)
    held = index.holding(Hub(str(hub), locked(), settings))
    assert (held.differing, list(held.unpinned)) == ({}, ["5.4.0-42-generic"])
