"""Mirrors, the list of failures, and many processes at once or killed at any moment."""

import hashlib
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from http_server import Server, body, redirect, status
from things import DATA, pin_of, stored

from base.errors import DroidbpfError
from base.settings import Settings
from fetch.download import obtain
from fetch.pins import Pin

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["sha256/HASH", "thing-1.0.tar.gz"])
def test_mirror_url_is_asked_before_upstream(server: Server, settings: Settings, name: str) -> None:
    pin = pin_of(server.url + "/upstream")
    server.routes |= {"/m/" + name.replace("HASH", pin.sha256): body(DATA)}
    server.routes |= {"/upstream": body(DATA)}
    obtain(pin, settings._replace(mirror=server.url + "/m/"))
    assert "/upstream" not in server.paths


def test_mirror_with_wrong_bytes_is_skipped_and_named(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    server.routes |= {"/m/thing-1.0.tar.gz": body(DATA[:-1]), "/a": body(DATA)}
    obtain(pin_of(server.url + "/a"), settings._replace(mirror=server.url + "/m"))
    assert reported == [
        f"thing-1.0.tar.gz: mirror {server.url}/m is skipped: "
        "thing-1.0.tar.gz: 399999 bytes instead of 400000"
    ]


def test_archive_of_unknown_size_is_decided_by_its_hash_alone(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    server.routes |= {"/cut": body(DATA[:-1]), "/whole": body(DATA)}
    pin = replace(pin_of(server.url + "/cut", server.url + "/whole"), size=0)
    obtain(pin, settings)
    assert reported == [
        f"thing-1.0.tar.gz: {server.url}/cut is skipped: wrong bytes "
        f"(399999 bytes, sha256 {hashlib.sha256(DATA[:-1]).hexdigest()})"
    ]
    assert stored(settings) == [DATA]
    server.routes.clear()
    assert obtain(pin, settings).read_bytes() == DATA
    (settings.cache / "sha256" / pin.sha256).write_bytes(DATA[:-1])
    with pytest.raises(DroidbpfError, match="no place gives"):
        obtain(pin, settings)


def test_no_place_reachable_lists_every_place_and_its_reason(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    server.routes["/b"] = status(403)
    pin = pin_of("http://nowhere.invalid/a", server.url + "/b")
    with pytest.raises(DroidbpfError) as failure:
        obtain(pin, settings._replace(mirror=str(tmp_path / "none")))
    assert str(failure.value) == (
        "error: no place gives this file:\n"
        f"  thing-1.0.tar.gz (sha256 {pin.sha256}, 400000 bytes)\n"
        f"    cache {settings.cache}: not there\n"
        f"    mirror {tmp_path}/none: no such folder\n"
        f"    http://nowhere.invalid/a: unknown host nowhere.invalid\n"
        f"    {server.url}/b: HTTP 403\n"
        f"hint: put the file at {settings.cache}/sha256/{pin.sha256}, "
        "or name a folder or URL that holds it: mirror=…"
    )


CHILD = """
import sys
from pathlib import Path
from fetch.download import obtain
from fetch.pins import Pin
from base.settings import Settings
sha256, size, url, cache = sys.argv[1:]
print(obtain(Pin("thing", "1.0", "thing.tar.gz", sha256, int(size), (url,)), Settings(Path(cache))))
"""


def child(pin: Pin, settings: Settings) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, pin.sha256, str(pin.size), *pin.urls, settings.cache]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)


def test_twenty_processes_at_once_download_once(server: Server, settings: Settings) -> None:
    server.routes["/a"] = body(DATA, rate=800_000)
    pin = pin_of(server.url + "/a")
    children = [child(pin, settings) for _ in range(20)]
    outputs = {one.communicate(timeout=60)[0].strip() for one in children}
    assert outputs == {str(settings.cache / "sha256" / pin.sha256)}
    assert server.paths == ["/a"]


def test_threads_of_one_process_download_once(server: Server, settings: Settings) -> None:
    server.routes["/a"] = body(DATA, rate=2_000_000)
    pin = pin_of(server.url + "/a")
    threads = [threading.Thread(target=obtain, args=(pin, settings)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.paths == ["/a"]


def test_kill_at_any_moment_leaves_nothing_that_is_trusted(
    server: Server, settings: Settings
) -> None:
    server.routes["/a"] = body(DATA, rate=3_200_000)
    pin = pin_of(server.url + "/a")
    begin = time.monotonic()
    child(pin, settings).communicate(timeout=30)
    whole = time.monotonic() - begin
    (settings.cache / "sha256" / pin.sha256).unlink()
    resumed = 0
    for _ in range(8):
        one = child(pin, settings)
        time.sleep(random.uniform(0.3, 1.05) * whole)
        one.send_signal(signal.SIGKILL)
        one.communicate()
        assert stored(settings) in ([], [DATA])
        resumed += bool(stored(settings))
        for path in (settings.cache / "sha256").glob("*"):
            path.unlink()
    assert obtain(pin, settings).read_bytes() == DATA
    assert resumed < 8, "no kill came in the middle"


def test_interrupted_download_goes_on_in_the_next_process(
    server: Server, settings: Settings
) -> None:
    server.routes["/a"] = body(DATA, rate=400_000)
    pin = pin_of(server.url + "/a")
    one = child(pin, settings)
    part = settings.cache / "partial" / pin.sha256
    while not part.exists() or part.stat().st_size < len(DATA) // 3:
        time.sleep(0.01)
    one.kill()
    one.communicate()
    server.routes["/a"] = body(DATA)
    assert obtain(pin, settings).read_bytes() == DATA
    assert server.requests[-1].sent < 0.7 * len(DATA)


def test_control_characters_of_names_and_servers_are_escaped(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    server.routes |= {"/a": redirect("gopher\x1b[2J://x/\x1b[2J"), "/b": body(b"x" * len(DATA))}
    pin = replace(pin_of(server.url + "/a", server.url + "/b"), filename="thing\x1b[2J.tar")
    with pytest.raises(DroidbpfError) as failure:
        obtain(pin, settings)
    with pytest.raises(DroidbpfError) as offline:
        obtain(pin, settings._replace(offline=True))
    texts = [str(failure.value), str(offline.value), *reported]
    assert all("thing\\x1b[2J.tar" in text for text in texts)
    assert [text for text in texts if "\x1b" in text] == []
