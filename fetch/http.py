"""Download one URL into a file: bounded in size, time and redirects, resumed where it broke.

What arrives is exactly what the server stores (no content encoding is asked for or undone), and
is not verified here. TLS is never off; proxies, netrc (for https only) and REQUESTS_CA_BUNDLE are
those of the environment, as requests reads them.
"""

import contextlib
import email.utils
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from base.errors import printable
from fetch import cache
from fetch.connections import Connections, Limits, read_aside
from fetch.errors import PlaceError, RetryError
from fetch.reasons import redact
from fetch.session import credentials

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
    """Fill the file `part` from a URL; where its size is known, go on from what it has.

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
    connections = connections or Connections()
    host = _host(url)
    if reason := connections.hosts.get(host):
        raise PlaceError(reason)
    retry = 0
    while True:
        started = time.monotonic()
        before = _length(part) if exact else 0
        get = partial(_attempt, url, part, before, size, progress, limits, exact, connections)
        try:
            return get() or retry > 0
        except PlaceError as error:
            have = _length(part)
            late = time.monotonic() - started >= limits.window and have - before < _CHUNK
            if not isinstance(error, RetryError) or retry == limits.retries or late:
                if error.unreachable:
                    connections.hosts.setdefault(host, error.message)
                if have and isinstance(error, RetryError):
                    error.message += f" after {have} of {size} bytes"
                raise
            backoff = limits.backoff * 2**retry * random.uniform(0.75, 1.25)
            retry += 1
            connections.pause(max(backoff, min(error.wait, limits.retry_after)))


def _attempt(
    url: str,
    part: Path,
    have: int,
    size: int,
    progress: Callable[[int], None],
    limits: Limits,
    exact: bool,
    connections: Connections,
) -> bool:
    """Download a file, or the rest of it; return whether it was the rest."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "droidbpf"}
    have = have if have < size else 0
    if have:
        headers["Range"] = f"bytes={have}-"
    answer = read_aside(_receive(url, headers, limits, connections), limits, connections)
    try:
        with contextlib.closing(answer):  # type: ignore[type-var]
            response = next(answer)
            assert isinstance(response, requests.Response)
            connections.hosts[_host(url)] = ""
            length = _content_length(response)
            got = have = _accept(response, length, part, size, have, exact)
            with cache.writing(part.parent.parent, size):
                file = part.open("r+b" if have else "wb")
            with file:
                file.seek(have)
                for chunk in answer:
                    assert isinstance(chunk, bytes)
                    got += len(chunk)
                    if got > size:
                        raise PlaceError(f"more than {size} bytes", wrong=True)
                    with cache.writing(part.parent.parent, size):
                        file.write(chunk)
                        file.flush()
                    progress(got)
    except cache.CacheError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _explain(error, url) from error
    if got < (have + length if length is not None else size if exact else 0):
        raise RetryError("the connection broke")
    return have > 0


def _receive(
    url: str, headers: dict[str, str], limits: Limits, connections: Connections
) -> Iterator[requests.Response | bytes]:
    """Send a request; yield the response, then its body.

    The timeout of a read only ends the thread of an answer that was given up long before.
    """
    timeout = (limits.connect, 2 * (limits.connect + limits.window))
    with connections.session.get(
        url, headers=headers, stream=True, timeout=timeout, auth=credentials(url)
    ) as response:
        yield response
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            yield chunk


def _accept(
    response: requests.Response, length: int | None, part: Path, size: int, have: int, exact: bool
) -> int:
    """Return the offset that the body begins at, or raise why it is refused."""
    status = response.status_code
    if status == 416 and have:
        part.unlink()
        raise RetryError("HTTP 416: the rest of the file is refused")
    if status in _AGAIN:
        raise RetryError(f"HTTP {status}", _retry_after(response.headers.get("Retry-After", "")))
    if status not in (200, 206):
        raise PlaceError(f"HTTP {status}", missing=status in (404, 410))
    if status == 206:
        rest = f"bytes {have}-{size - 1}/{size}"
        if response.headers.get("Content-Range") != rest or length not in (None, size - have):
            part.unlink(missing_ok=True)
            raise RetryError("another part of the file than asked for")
        return have
    if length is not None and exact and length != size:
        raise PlaceError(f"{length} bytes instead of {size}", wrong=True)
    if length is not None and length > size:
        raise PlaceError(f"{length} bytes, more than {size}", wrong=True)
    return 0


def _content_length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else None


def _retry_after(value: str) -> float:
    """Return the seconds of a Retry-After header, which has seconds or a date (RFC 9110)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    return 0


def _explain(error: Exception, url: str) -> PlaceError:
    """Return why a request failed, from an exception of requests or urllib3."""
    host = printable(_host(url))
    chain: list[object] = [error]
    for one in chain:
        if isinstance(one, BaseException) and len(chain) < 100:
            chain += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if among(urllib3.exceptions.NameResolutionError):
        return PlaceError(f"unknown host {host}", unreachable=True)
    if among(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return PlaceError(f"the TLS certificate of {host} is not accepted")
    if among(requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL):
        return PlaceError("the proxy fails")
    if "SOCKS" in str(error):
        return PlaceError("the proxy is a SOCKS proxy, which is not supported")
    if among(ConnectionRefusedError):
        return PlaceError("connection refused", unreachable=True)
    if among(requests.exceptions.ConnectTimeout, urllib3.exceptions.NewConnectionError):
        return PlaceError(f"no connection to {host}", unreachable=True)
    if among(requests.exceptions.TooManyRedirects):
        return PlaceError("too many redirects")
    if isinstance(error, ValueError):
        return PlaceError(f"this URL, or its server's answer, is not valid HTTP: {redact(url)}")
    return RetryError("the connection broke")


def _host(url: str) -> str:
    """Return the host and port of a URL."""
    with contextlib.suppress(ValueError):
        return urlsplit(url).netloc.rpartition("@")[2]
    return ""


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
