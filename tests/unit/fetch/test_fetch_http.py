"""What a server may do wrong, and what of it reaches the cache: nothing."""

import gzip
import hashlib
import time
from pathlib import Path

import http_server
import pytest
from http_server import Server, body, endless, raw, silent, status
from things import DATA, pin_of, reason

from base.settings import Settings
from fetch import http
from fetch.download import obtain
from fetch.errors import PlaceError

ROOT = Path(__file__).parents[3]
QUICK = http.Limits(connect=1, window=1, backoff=0.01, retry_after=0.2)
SOON = http.Limits(connect=0.3, window=0.3)

pytestmark = pytest.mark.usefixtures("pauses")


def part_reason(url: str, tmp_path: Path, limits: http.Limits = QUICK) -> str:
    (tmp_path / "partial").mkdir(exist_ok=True)
    with pytest.raises(PlaceError) as failure:
        http.download(url, tmp_path / "partial" / "x", len(DATA), limits=limits)
    return failure.value.message


def test_good_file_is_stored_under_its_hash(server: Server, settings: Settings) -> None:
    server.routes["/a"] = body(DATA)
    path = obtain(pin_of(server.url + "/a"), settings)
    assert path == settings.cache / "sha256" / hashlib.sha256(DATA).hexdigest()
    assert path.read_bytes() == DATA
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert list((settings.cache / "partial").iterdir()) == []
    assert path.stat().st_mode & 0o777 == 0o644


def test_cached_file_asks_no_server(server: Server, settings: Settings) -> None:
    server.routes["/a"] = body(DATA)
    for _ in range(3):
        obtain(pin_of(server.url + "/a"), settings)
    assert server.paths == ["/a"]


def test_wrong_bytes_are_skipped_and_named(
    server: Server, settings: Settings, reported: list[str]
) -> None:
    wrong = b"y" * len(DATA)
    server.routes |= {"/wrong": body(wrong), "/good": body(DATA)}
    path = obtain(pin_of(server.url + "/wrong", server.url + "/good"), settings)
    assert path.read_bytes() == DATA
    sha256 = hashlib.sha256(wrong).hexdigest()
    assert reported == [
        f"thing-1.0.tar.gz: {server.url}/wrong is skipped: "
        f"wrong bytes (400000 bytes, sha256 {sha256})"
    ]


def test_html_page_is_recognized(server: Server, settings: Settings) -> None:
    page = b"<!DOCTYPE html>".ljust(len(DATA))
    server.routes["/a"] = body(page)
    assert "an HTML page: is there a login page in between?" in reason(server.url + "/a", settings)


def test_wrong_length_is_refused_before_the_body(server: Server, settings: Settings) -> None:
    server.routes["/a"] = body(DATA + b"more")
    assert reason(server.url + "/a", settings) == "400004 bytes instead of 400000"


def test_body_without_end_is_cut_at_one_byte_above_the_size(
    server: Server, settings: Settings
) -> None:
    server.routes["/a"] = endless()
    assert reason(server.url + "/a", settings) == "more than 400000 bytes"
    assert server.requests[0].sent < 20_000_000  # what fits in the sockets' buffers


def test_truncated_body_is_resumed_and_at_most_55_percent_sent_again(
    server: Server, settings: Settings
) -> None:
    server.routes["/a"] = body(DATA, cut=len(DATA) // 2)
    assert obtain(pin_of(server.url + "/a"), settings).read_bytes() == DATA
    first, second = server.requests
    assert second.headers["range"] == f"bytes={first.sent}-"
    assert second.sent <= 0.55 * len(DATA)


def test_rest_of_a_broken_download_comes_from_the_next_place(
    server: Server, settings: Settings
) -> None:
    def cut(handler: http_server.Handler) -> None:
        handler.head(404 if server.requests[1:] else 200, Content_Length=len(DATA))
        handler.send(DATA[:1000])

    server.routes |= {"/a": cut, "/b": body(DATA, etag="")}
    pin = pin_of(server.url + "/a", server.url + "/b")
    assert obtain(pin, settings).read_bytes() == DATA
    assert server.paths == ["/a", "/a", "/b"]
    assert server.requests[2].headers["range"] == "bytes=1000-"


def test_truncated_body_is_never_stored(server: Server, settings: Settings) -> None:
    def cut(handler: http_server.Handler) -> None:
        handler.head(200, Content_Length=len(DATA))
        handler.send(DATA[:1000])

    server.routes["/a"] = cut
    assert reason(server.url + "/a", settings) == "the connection broke after 1000 of 400000 bytes"
    assert len(server.requests) == 4


def test_wrong_beginning_is_found_by_the_hash_and_fetched_once_more(
    server: Server, settings: Settings
) -> None:
    def first(handler: http_server.Handler) -> None:
        handler.head(200, Content_Length=len(DATA), ETag='"1"')
        handler.send(b"bad" * 1000)
        server.routes["/a"] = body(DATA)

    server.routes["/a"] = first
    assert obtain(pin_of(server.url + "/a"), settings).read_bytes() == DATA
    assert ["range" in request.headers for request in server.requests] == [False, True, False]


def test_refused_range_falls_back_to_the_whole_file(server: Server, settings: Settings) -> None:
    whole = body(DATA, cut=1000)

    def behave(handler: http_server.Handler) -> None:
        (status(416) if "Range" in handler.headers else whole)(handler)

    server.routes["/a"] = behave
    assert obtain(pin_of(server.url + "/a"), settings).read_bytes() == DATA


def test_another_range_than_asked_is_not_used(server: Server, settings: Settings) -> None:
    whole = body(DATA, cut=1000)

    def behave(handler: http_server.Handler) -> None:
        if "Range" in handler.headers:
            handler.head(206, Content_Range="bytes 0-9/400000", Content_Length=10)
            handler.send(DATA[:10])
        else:
            whole(handler)

    server.routes["/a"] = behave
    assert obtain(pin_of(server.url + "/a"), settings).read_bytes() == DATA


@pytest.mark.parametrize("length", [100, 900_000])
def test_rest_of_another_length_than_its_range_is_not_used(
    server: Server, settings: Settings, reported: list[str], length: int
) -> None:
    def behave(handler: http_server.Handler) -> None:
        if "Range" in handler.headers:
            handler.head(206, Content_Range="bytes 1000-399999/400000", Content_Length=length)
            handler.send(DATA[1000:][:length])
        else:
            body(DATA, cut=1000)(handler)

    server.routes["/a"] = behave
    assert reason(server.url + "/a", settings) == "another part of the file than asked for"
    assert reported == [], "it took the beginning for the whole file"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501, 505])
def test_final_status_is_not_retried(
    server: Server, settings: Settings, code: int, pauses: list[float]
) -> None:
    server.routes["/a"] = status(code)
    assert reason(server.url + "/a", settings) == f"HTTP {code}"
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503])
def test_passing_trouble_is_retried(server: Server, settings: Settings, code: int) -> None:
    server.routes["/a"] = status(code, times=1, then=body(DATA))
    assert obtain(pin_of(server.url + "/a"), settings).read_bytes() == DATA


def test_lasting_trouble_is_given_up_after_three_retries(server: Server, tmp_path: Path) -> None:
    server.routes["/a"] = status(503)
    assert part_reason(server.url + "/a", tmp_path) == "HTTP 503"
    assert len(server.requests) == 4


def test_retry_after_is_honoured(server: Server, settings: Settings, pauses: list[float]) -> None:
    server.routes["/a"] = status(503, times=1, then=body(DATA), Retry_After=1)
    obtain(pin_of(server.url + "/a"), settings)
    assert pauses == [1]


@pytest.mark.parametrize("value", ["86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_retry_after_is_capped(
    server: Server, tmp_path: Path, value: str, pauses: list[float]
) -> None:
    server.routes["/a"] = status(503, times=1, then=body(DATA), Retry_After=value)
    (tmp_path / "partial").mkdir()
    http.download(server.url + "/a", tmp_path / "partial/x", len(DATA), limits=QUICK)
    assert pauses == [QUICK.retry_after]


def test_dripping_body_is_given_up(server: Server, tmp_path: Path) -> None:
    server.routes["/a"] = body(DATA, rate=100)
    started = time.monotonic()
    assert part_reason(server.url + "/a", tmp_path, SOON).startswith("too slow: ")
    assert time.monotonic() - started < 2


def test_dripping_headers_are_given_up(server: Server, tmp_path: Path) -> None:
    server.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\n" + b"X-Drip: yes\r\n" * 100, pause=0.1)
    started = time.monotonic()
    assert part_reason(server.url + "/a", tmp_path, SOON) == "no answer in 0.6 seconds"
    assert time.monotonic() - started < 2


def test_dripping_chunk_sizes_are_given_up(server: Server, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.routes["/a"] = raw(head + b"1;" + b"x" * 400, pause=0.05, step=8)
    started = time.monotonic()
    assert part_reason(server.url + "/a", tmp_path, SOON).startswith("too slow: 0 bytes")
    assert time.monotonic() - started < 2


def test_silent_server_is_given_up(server: Server, tmp_path: Path) -> None:
    server.routes["/a"] = silent(3)
    started = time.monotonic()
    assert part_reason(server.url + "/a", tmp_path, SOON) == "no answer in 0.6 seconds"
    assert time.monotonic() - started < 2


def test_slow_but_steady_body_is_patiently_read(server: Server, tmp_path: Path) -> None:
    server.routes["/a"] = body(DATA, rate=500_000)
    (tmp_path / "partial").mkdir()
    http.download(server.url + "/a", tmp_path / "partial/x", len(DATA), limits=SOON)
    assert (tmp_path / "partial/x").read_bytes() == DATA


def test_unasked_content_encoding_is_left_as_it_is(server: Server, settings: Settings) -> None:
    packed = gzip.compress(DATA)

    def behave(handler: http_server.Handler) -> None:
        handler.head(200, Content_Length=len(packed), Content_Encoding="gzip")
        handler.send(packed)

    server.routes["/a"] = behave
    assert obtain(pin_of(server.url + "/a", data=packed), settings).read_bytes() == packed


def test_unknown_host_fails_at_once(settings: Settings, pauses: list[float]) -> None:
    assert reason("http://nowhere.invalid/a", settings) == "unknown host nowhere.invalid"
    assert pauses == []


def test_refused_connection_fails_soon(settings: Settings, pauses: list[float]) -> None:
    assert reason("http://127.0.0.1:9/a", settings) == "connection refused"
    assert sum(pauses) <= 1
