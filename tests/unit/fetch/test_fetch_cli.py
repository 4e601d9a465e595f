"""`./dev fetch`, as a user types it."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from http_server import Server, body
from terminal import shown_by

ROOT = Path(__file__).parents[3]
DATA = b"data" * 50_000
HASH = hashlib.sha256(DATA).hexdigest()
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**kept, "DROIDBPF_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def pins(tmp_path: Path, server: Server) -> Path:
    server.routes["/thing-1.0.tar.gz"] = body(DATA)
    path = tmp_path / "pins.toml"
    path.write_text(
        f'[thing]\nversion = "1.0"\nfilename = "thing-1.0.tar.gz"\nsha256 = "{HASH}"\n'
        f'size = {len(DATA)}\nurls = ["{server.url}/thing-1.0.tar.gz"]\n'
    )
    return path


@pytest.fixture
def run(pins: Path, environment: dict[str, str]) -> Run:
    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "fetch", *map(str, arguments), "--pins", pins]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    return run


def test_get_downloads_and_list_shows(run: Run, tmp_path: Path, server: Server) -> None:
    assert run("list").stdout == "thing        1.0          200000  missing  thing-1.0.tar.gz\n"
    got = run("get")
    assert got.returncode == 0
    line = r"thing-1\.0\.tar\.gz: 200000 bytes in \d\.\d s from (.*)\n"
    assert re.fullmatch(line, got.stderr)[1] == f"{server.url}/thing-1.0.tar.gz"  # type: ignore[index]
    assert got.stdout == f"thing        {tmp_path}/cache/sha256/{HASH}\n"
    assert run("list").stdout == "thing        1.0          200000  cached   thing-1.0.tar.gz\n"


def test_list_is_readable_by_programs(run: Run, tmp_path: Path, server: Server) -> None:
    run("get")
    assert json.loads(run("list", "--json").stdout) == {
        "schema": 1,
        "pins": [
            {
                "name": "thing",
                "version": "1.0",
                "filename": "thing-1.0.tar.gz",
                "sha256": HASH,
                "size": 200000,
                "urls": [f"{server.url}/thing-1.0.tar.gz"],
                "alternatives": [],
                "cached": f"{tmp_path}/cache/sha256/{HASH}",
            }
        ],
    }


def test_offline_names_what_is_missing(run: Run, tmp_path: Path, server: Server) -> None:
    done = run("get", "--offline")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no place gives this file:\n"
        f"  thing-1.0.tar.gz (sha256 {HASH}, 200000 bytes)\n"
        f"    cache {tmp_path}/cache: not there\n"
        f"    {server.url}/thing-1.0.tar.gz: not asked: offline=1\n"
        f"hint: put the file at {tmp_path}/cache/sha256/{HASH}, "
        "or name a folder or URL that holds it: mirror=…; or go online\n"
    )


def test_cache_serves_another_machine_as_a_mirror(
    run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["DROIDBPF_CACHE"] = str(tmp_path / "m")
    assert run("get").returncode == 0
    environment["DROIDBPF_CACHE"] = str(tmp_path / "other")
    done = run("get", "--offline", "--mirror", tmp_path / "m")
    assert done.stdout == f"thing        {tmp_path}/other/sha256/{HASH}\n"


def test_wrong_bytes_are_warned_of(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/thing-1.0.tar.gz").write_bytes(b"wrong")
    done = run("get", "--mirror", tmp_path / "m")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: thing-1.0.tar.gz: mirror {tmp_path}/m is skipped: ")


@pytest.mark.parametrize("by_url", [True, False])
def test_pin_prints_the_lines_for_the_file(
    run: Run, tmp_path: Path, server: Server, by_url: bool
) -> None:
    (tmp_path / "thing-1.0.tar.gz").write_bytes(DATA)
    url = f"{server.url}/thing-1.0.tar.gz"
    done = run("pin", url if by_url else tmp_path / "thing-1.0.tar.gz")
    urls = f'["{url}"]' if by_url else "[]"
    assert done.stdout == (
        f'[thing]\nversion = "1.0"\nfilename = "thing-1.0.tar.gz"\nsha256 = "{HASH}"\n'
        f"size = 200000\nurls = {urls}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "thang"], "error: no pin named thang\nhint: did you mean thing?\n"),
        (
            ["pin", "/none"],
            "error: cannot read /none: No such file or directory\n"
            "hint: name an archive of this machine, or a URL that begins with http:// or https://\n",
        ),
        (
            ["pin", "http://me:secret@no.invalid/a"],
            "error: http://no.invalid/a holds a password\n"
            "hint: put it into ~/.netrc: everybody reads a pin\n",
        ),
        (["pin", "http://no.invalid/a"], "error: unknown host no.invalid\n"),
        (["pin", "--offline", "http://x/a"], "error: offline: http://x/a cannot be asked\n"),
    ],
)
def test_failure_is_one_clear_message_and_status_2(
    run: Run, arguments: list[str], message: str
) -> None:
    done = run(*arguments)
    assert (done.stderr, done.returncode) == (message, 2)


def test_missing_file_of_pins_is_a_clear_error(run: Run, pins: Path) -> None:
    pins.unlink()
    done = run("list")
    assert done.stderr == f"error: cannot read the pins in {pins}: No such file or directory\n"
    assert done.returncode == 2


def test_malformed_url_to_pin_is_one_line(run: Run) -> None:
    done = run("pin", "http://[::1")
    assert (done.returncode, done.stderr) == (
        2,
        "error: this URL, or its server's answer, is not valid HTTP: a malformed URL\n",
    )


def test_file_to_renew_that_is_no_text_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    done = run("renew", tmp_path / "bad.toml")
    assert done.stderr.startswith(f"error: {tmp_path}/bad.toml is not valid TOML: ")
    assert done.returncode == 2


def test_ctrl_c_ends_it_with_130_and_one_line(
    pins: Path, environment: dict[str, str], server: Server
) -> None:
    server.routes["/thing-1.0.tar.gz"] = body(DATA, rate=20_000)
    child = subprocess.Popen(
        [sys.executable, "-m", "fetch", "get", "--pins", pins],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not server.requests or not server.requests[0].sent:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=10)[1] == "error: interrupted\n"
    assert child.returncode == 130


@pytest.mark.parametrize("no_color", ["", "1"])
def test_progress_is_for_terminals_only(
    pins: Path, environment: dict[str, str], server: Server, no_color: str
) -> None:
    server.routes["/thing-1.0.tar.gz"] = body(DATA, rate=200_000)
    environment |= {"NO_COLOR": no_color, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "fetch", "get", "--pins", pins]
    shown = shown_by(command, ROOT, environment, columns=80)
    assert b"thing-1.0.tar.gz" in shown
    assert b"\x1b" not in shown
    assert shown.isascii() == bool(no_color)
