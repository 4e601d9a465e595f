"""Why an HTTP request failed, in one line without credentials, and whether to try again."""

import contextlib
import time
from urllib.parse import urlsplit

from base.errors import printable
from fetch.errors import PlaceError


class RetryError(PlaceError):
    """A failure that another attempt may cure.

    Args:
        wait: seconds to wait before it, as the server asks.
        unreachable: as in PlaceError.
    """

    def __init__(self, message: str, wait: float = 0, *, unreachable: bool = False) -> None:
        super().__init__(message, unreachable=unreachable)
        self.wait = wait


def redact(url: str) -> str:
    """Return a URL without credentials and query, for messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def explain(error: Exception, url: str) -> PlaceError:
    """Return why a request failed, from an exception of requests or urllib3."""
    import requests
    import urllib3

    try:
        host = printable(urlsplit(url).hostname or "")
    except ValueError:
        return PlaceError("a malformed URL")
    chain: list[BaseException] = []
    pending: list[object] = [error]
    while pending and len(chain) < 20:
        one = pending.pop()
        if isinstance(one, BaseException) and one not in chain:
            chain.append(one)
            pending += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if among(urllib3.exceptions.NameResolutionError):
        return PlaceError(f"unknown host {host}", unreachable=True)
    if among(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return PlaceError(f"the TLS certificate of {host} is not accepted")
    if among(requests.exceptions.ProxyError):
        return PlaceError("the proxy fails")
    if among(ConnectionRefusedError):
        return PlaceError("connection refused", unreachable=True)
    if among(urllib3.exceptions.NewConnectionError):
        return PlaceError(f"no connection to {host}", unreachable=True)
    if among(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        return PlaceError(f"no connection to {host}: it does not answer", unreachable=True)
    if among(
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.HTTPError,
        OSError,
    ) and not among(requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        return RetryError("the connection broke")
    return PlaceError(f"not a URL that can be asked ({type(error).__name__})")


def retry_after(value: str) -> float:
    """Return the seconds of a Retry-After header, which has seconds or a date (RFC 9110)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    import email.utils

    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    return 0
