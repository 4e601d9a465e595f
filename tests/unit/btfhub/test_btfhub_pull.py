"""`./dev btfhub pull` and `list`, as a user types them."""

import json
import os
import sys
from pathlib import Path

import hubs
import pytest
from http_server import Server, body, status
from hubs import A13, JUNE, MAY, PATHS, ROCK, UBUNTU, entry, locked, packed
from terminal import shown_by

from btfhub import lock
from btfhub.__main__ import main

TOTAL = sum(entry(path).size for path in PATHS)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> Path:
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hubs.fill(tmp_path / "hub")


@pytest.fixture
def site(server: Server) -> Server:
    """A web server that is a hub, with an index of one file more than the lock has."""
    paths = [*PATHS, UBUNTU]
    server.routes |= {f"/{path}": body(packed(path)) for path in paths}
    server.routes["/index.json"] = body(lock.render(locked(paths, url="")))
    return server


@pytest.fixture
def pins(tmp_path: Path, server: Server) -> Path:
    """A lock whose upstream is /up/ of the server."""
    lock.write(tmp_path / "a.lock", locked(url=f"{server.url}/up/"))
    return tmp_path / "a.lock"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_hub_that_does_not_answer_is_left_for_upstream(
    pins: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.routes[f"/up/{MAY}"] = body(packed(MAY))
    dead = "http://127.0.0.1:9/hub"
    assert run("pull", "a12-5.10-2022-05", "--hub", dead, "--lock", pins) == 0
    assert capsys.readouterr().out.endswith(f"{server.url}/up/\n")


def test_pull_shows_where_each_file_came_from(
    hub: Path, pins: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    run("pull", "rock5b", "--hub", hub, "--lock", pins)
    (hub / JUNE).unlink()
    server.routes[f"/up/{JUNE}"] = body(packed(JUNE))
    capsys.readouterr()
    names = ["android12-5.10", "a12-5.10-2022-06", "rock5b-5.10-f9d1b1529"]
    assert run("pull", *names, "--hub", hub, "--lock", pins) == 0
    output = capsys.readouterr()
    sizes = [entry(path).size for path in (MAY, JUNE, ROCK)]
    assert output.out == (
        f"a12-5.10-2022-05       {sizes[0]:>9}  mirror {hub}\n"
        f"a12-5.10-2022-06       {sizes[1]:>9}  {server.url}/up/\n"
        f"rock5b-5.10-f9d1b1529  {sizes[2]:>9}  cache\n"
    )
    assert output.err.splitlines() == [
        "warning: the hub holds 1 of the 2 files of the lock for android12-5.10; "
        "not there: a12-5.10-2022-06",
        f"3 files verified: 2 obtained ({sizes[0] + sizes[1]} bytes), 1 in the cache",
    ]


def test_pull_prints_one_json_document(
    hub: Path, pins: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pull", "rock5b", "--hub", hub, "--lock", pins, "--json") == 0
    rock = entry(ROCK)
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "files": [
            {
                "name": rock.name,
                "file": f"{cache}/sha256/{rock.sha256}",
                "from": f"mirror {hub}",
                "size": rock.size,
                "sha256": rock.sha256,
            }
        ],
    }
    assert (cache / "sha256" / rock.sha256).read_bytes() == packed(ROCK)


def test_pull_from_a_web_server_takes_what_the_lock_pins(
    site: Server, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pull", "all", "--hub", site.url, "--lock", pins) == 0
    assert sorted(site.paths) == sorted(f"/{path}" for path in PATHS)
    assert run("pull", "5.4.0-42-generic", "--hub", site.url, "--lock", pins) == 2
    assert "no file or branch of the hub is named 5.4.0-42-generic" in capsys.readouterr().err


@pytest.mark.parametrize("selector", ["all", "android12-5.10", "a12-5.10-2022-05"])
def test_pull_with_a_warm_cache_asks_no_server(
    site: Server, pins: Path, selector: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("pull", "all", "--hub", site.url, "--lock", pins)
    site.requests.clear()
    capsys.readouterr()
    assert run("pull", selector, "--hub", site.url, "--lock", pins) == 0
    assert site.requests == []
    assert "0 obtained (0 bytes)" in capsys.readouterr().err


def test_pull_names_all_files_that_no_place_gives(
    site: Server, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.routes |= {f"/{MAY}": status(404), f"/{A13}": status(500)}
    assert run("pull", "a12-5.10-2022-05", "rock5b", "--hub", site.url, "--lock", pins) == 2
    error = capsys.readouterr().err
    assert f"error: no place gives this file:\n  {MAY} (sha256 {entry(MAY).sha256}" in error
    assert f"\n    {site.url}/{MAY}: HTTP 404\n    {site.url}/up/{MAY}: HTTP 404\n" in error


def test_pull_offline_from_a_folder_opens_no_socket(hub: Path, pins: Path, server: Server) -> None:
    assert run("pull", "all", "--hub", hub, "--lock", pins, "--offline") == 0
    (hub / MAY).unlink()
    assert run("pull", "all", "--hub", hub, "--lock", pins, "--offline") == 0
    assert server.requests == []


def test_unknown_selector_is_answered_with_a_near_one(
    hub: Path, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pull", "android12-5.1", "--hub", hub, "--lock", pins) == 2
    assert capsys.readouterr().err.startswith(
        "error: no file or branch of the hub is named android12-5.1\nhint: "
    )


@pytest.mark.parametrize("hub_", ["folder", "url"])
def test_terminal_shows_one_bar_for_all_files_and_whole_lines(
    tmp_path: Path, hub: Path, site: Server, pins: Path, hub_: str
) -> None:
    site.routes |= {f"/{path}": body(packed(path), rate=500) for path in PATHS[:3]}
    site.routes[f"/{ROCK}"] = body(bytes(len(packed(ROCK))), rate=500)
    site.routes[f"/up/{ROCK}"] = body(packed(ROCK))
    (hub / MAY).write_bytes(bytes(len(packed(MAY))))
    site.routes[f"/up/{MAY}"] = body(packed(MAY), rate=500)
    place = str(hub) if hub_ == "folder" else site.url
    command = [sys.executable, "-m", "btfhub", "pull", "all", "--hub", place, "--lock", pins]
    shown = shown_by(command, hubs.ROOT, os.environ | {"TERM": "xterm"}, columns=200)
    lines = [line.rpartition("\r")[2] for line in shown.decode().replace("\r\n", "\n").split("\n")]
    assert lines[-1].strip() == ""
    assert [line.partition(":")[0] for line in lines[:-1]] == ["warning", "4 files verified"]
    titles = {part.partition(":")[0].strip() for part in shown.decode().split("\r") if "%|" in part}
    assert titles == {"4 files"}


def test_list_shows_branch_month_size_and_what_is_cached(
    hub: Path, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("pull", "a12-5.10-2022-06", "--hub", hub, "--lock", pins)
    more = hubs.A12.format("2030-01")
    hubs.fill(hub, [more])
    capsys.readouterr()
    assert run("list", "--hub", hub, "--lock", pins) == 0
    sizes = [entry(path).size for path in PATHS]
    assert capsys.readouterr().out == (
        f"a12-5.10-2022-05       android12-5.10  2022-05  {sizes[0]}  missing\n"
        f"a12-5.10-2022-06       android12-5.10  2022-06  {sizes[1]}  cached\n"
        f"a13-5.10-2022-05       android13-5.10  2022-05  {sizes[2]}  missing\n"
        f"rock5b-5.10-f9d1b1529  rock5b                   {sizes[3]}  missing\n"
        "a12-5.10-2030-01                                     not pinned by the lock\n"
    )


def test_list_of_upstream_needs_no_network(
    pins: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("list", "--lock", pins, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [file["path"] for file in listed["files"]] == list(PATHS)
    assert listed["files"][0]["url"] == f"{server.url}/up/{MAY}"
    assert listed["files"][0]["cached"] is None
    assert server.requests == []


def test_list_says_what_differs_in_the_hub(
    site: Server, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = json.loads(lock.render(locked(url="")))
    table["files"][0]["sha256"] = "0" * 64
    site.routes["/index.json"] = body(json.dumps(table).encode())
    assert run("list", "rock5b", "a12-5.10-2022-05", "--hub", site.url, "--lock", pins) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("missing")[2] for line in lines] == [", differs in the hub", ""]


def test_empty_folder_is_a_negative_answer(
    tmp_path: Path, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run("list", "--hub", tmp_path / "empty", "--lock", pins) == 1
    assert capsys.readouterr().out == ""
