"""Download one URL into a file: bounded in size, time and redirects, resumed where the server can.

What arrives is exactly what the server stores (no content encoding is asked for or undone), and
is not verified here. TLS is never off; proxies, netrc (for https only) and REQUESTS_CA_BUNDLE are
those of the environment, as requests reads them.
"""

import contextlib
import json
import random
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from base.errors import DroidbpfError
from fetch import cache
from fetch.connections import Connections, StoppedError, read_aside
from fetch.errors import PlaceError
from fetch.pace import Limits, Pace
from fetch.reasons import RetryError, explain, redact, retry_after
from fetch.request import receive

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 16
_AGAIN = {408, 429} | set(range(500, 600)) - {501, 505}
DEFAULT = Limits()


def download(
    url: str,
    part: Path,
    size: int,
    progress: Callable[[int], None] = lambda _: None,
    limits: Limits = DEFAULT,
    *,
    exact: bool = True,
    connections: Connections | None = None,
) -> bool:
    """Fill the file `part` from a URL; go on from what it has if the server proves it unchanged.

    Args:
        part: in the cache; what a broken attempt leaves there is for the next one.
        size: the bytes expected; never more than one byte above it is read.
        progress: called with the number of bytes that `part` has.
        exact: fewer bytes are an error.
        connections: shared by several downloads; None for ones of its own.

    Returns:
        whether the file was continued, so that wrong bytes may be the older part's fault.

    Raises:
        PlaceError: no such host, no connection, an HTTP error, too slow, another size …
        CacheError: `part` cannot be written.
        StoppedError: the connections were stopped.
    """
    try:
        import requests  # noqa: F401
    except ImportError as error:
        raise PlaceError("the Python package requests is not installed (use ./dev)") from error
    if connections is None:
        with Connections() as own:
            return download(url, part, size, progress, limits, exact=exact, connections=own)
    attempt = partial(_attempt, url, part, size, progress, limits, exact, connections)
    host = _host(url)
    if reason := connections.unreachable.get(host):
        raise PlaceError(reason)
    try:
        return _repeated(attempt, part, size, limits, connections)
    except PlaceError as error:
        if error.unreachable and host not in connections.reached:
            connections.unreachable[host] = error.message
        raise


def _repeated(
    attempt: Callable[[], bool],
    part: Path,
    size: int,
    limits: Limits,
    connections: Connections,
) -> bool:
    """Attempt a download as often as the limits allow.

    This is not urllib3's Retry: that cannot go on from the bytes that are there.
    """
    resumed = False
    retry = 0
    while True:
        started = time.monotonic()
        before = _length(part)
        try:
            return attempt() or resumed
        except RetryError as error:
            retry += 1
            have = _length(part)
            late = time.monotonic() - started >= limits.window and have - before < _CHUNK
            if retry > limits.retries or late:
                after = f" after {have} of {size} bytes" if have else ""
                message = f"{error.message}{after}"
                raise PlaceError(message, unreachable=error.unreachable) from error
            resumed = True
            backoff = limits.backoff * 2 ** (retry - 1) * random.uniform(0.75, 1.25)
            connections.pause(max(backoff, min(error.wait, limits.retry_after)))


def _attempt(
    url: str,
    part: Path,
    size: int,
    progress: Callable[[int], None],
    limits: Limits,
    exact: bool,
    connections: Connections,
) -> bool:
    import requests

    have, headers = _resume_headers(url, part, size)
    pace = Pace(limits)

    def check() -> None:
        connections.check()
        pace.check()

    answer = read_aside(receive(connections.session, url, headers, limits), check)
    try:
        with contextlib.closing(answer):  # type: ignore[type-var]
            response = next(answer)
            assert isinstance(response, requests.Response)
            pace.begin()
            connections.reached.add(_host(url))
            have = _accept(response, url, part, size, have, exact)
            with cache.writing(part.parent.parent, size):
                file = part.open("r+b" if have else "wb")
            with file:
                file.seek(have)
                got = have
                for chunk in answer:
                    assert isinstance(chunk, bytes)
                    got += len(chunk)
                    pace.count += len(chunk)
                    if got > size:
                        raise PlaceError(f"more than {size} bytes", wrong=True)
                    with cache.writing(part.parent.parent, size):
                        file.write(chunk)
                        file.flush()
                    progress(got)
    except DroidbpfError as error:
        if isinstance(error, cache.CacheError) or (isinstance(error, PlaceError) and error.wrong):
            discard(part)
        raise
    except StoppedError:
        raise
    except Exception as error:
        raise explain(error, url) from error
    length = _content_length(response)
    if got < (have + length if length is not None else size if exact else 0):
        raise RetryError("the connection broke")
    return have > 0


def _resume_headers(url: str, part: Path, size: int) -> tuple[int, dict[str, str]]:
    """Return the length of what is there of a file, and the headers that ask for the rest."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "droidbpf"}
    have = _length(part)
    if 0 < have < size:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(_note(part).read_text())
            if note["url"] == redact(url) and note["size"] == size:
                headers |= {"Range": f"bytes={have}-", "If-Range": str(note["validator"])}
                return have, headers
    return 0, headers


def _accept(
    response: "requests.Response", url: str, part: Path, size: int, have: int, exact: bool
) -> int:
    """Return the offset that the body begins at, or raise why it is refused."""
    status = response.status_code
    if status == 416 and have:
        discard(part)
        raise RetryError("HTTP 416: the rest of the file is refused")
    if status in _AGAIN:
        raise RetryError(f"HTTP {status}", retry_after(response.headers.get("Retry-After", "")))
    if status not in (200, 206):
        raise PlaceError(f"HTTP {status}", missing=status in (404, 410))
    length = _content_length(response)
    if status == 206:
        rest = f"bytes {have}-{size - 1}/{size}"
        if response.headers.get("Content-Range") != rest or length not in (None, size - have):
            discard(part)
            raise RetryError("another part of the file than asked for")
        return have
    discard(part)
    if length is not None and exact and length != size:
        raise PlaceError(f"{length} bytes instead of {size}", wrong=True)
    if length is not None and length > size:
        raise PlaceError(f"{length} bytes, more than {size}", wrong=True)
    validator = response.headers.get("ETag", "") or response.headers.get("Last-Modified", "")
    if validator and not validator.startswith("W/"):
        with cache.writing(part.parent.parent, size):
            note = {"url": redact(url), "size": size, "validator": validator}
            _note(part).write_text(json.dumps(note))
    return 0


def _content_length(response: "requests.Response") -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else None


def discard(part: Path) -> None:
    """Remove what was downloaded of a file."""
    with contextlib.suppress(OSError):
        _note(part).unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def _note(part: Path) -> Path:
    """Return the file that says what `part` is the beginning of."""
    return part.with_name(f"{part.name}.json")


def _host(url: str) -> str:
    """Return the host and port of a URL."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2]
    return ""


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
