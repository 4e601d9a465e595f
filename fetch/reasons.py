"""Why an HTTP request failed, in one line without credentials, and whether to try again."""

import contextlib
import time
from urllib.parse import urlsplit

from fetch.errors import PlaceError


class RetryError(PlaceError):
    """A failure that another attempt may cure.

    Args:
        wait: seconds to wait before it, as the server asks.
        retries: how many attempts more at most.
        unreachable: as in PlaceError.
    """

    def __init__(
        self, message: str, wait: float = 0, retries: int = 99, *, unreachable: bool = False
    ) -> None:
        super().__init__(message, unreachable=unreachable)
        self.wait = wait
        self.retries = retries


def redact(url: str) -> str:
    """Give a URL without credentials and query, for messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def explain(error: Exception, url: str) -> PlaceError:
    """Turn an exception of requests or urllib3 into one reason, without a URL of it."""
    import requests
    import urllib3

    try:
        host = urlsplit(url).hostname or ""
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
        return RetryError("connection refused", retries=1, unreachable=True)
    if among(urllib3.exceptions.NewConnectionError):
        return RetryError(f"no connection to {host}", retries=1, unreachable=True)
    if among(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        reason = f"no connection to {host}: it does not answer"
        return RetryError(reason, retries=1, unreachable=True)
    if among(requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        return RetryError("it stopped sending")
    if among(
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.HTTPError,
        OSError,
    ) and not among(requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        return RetryError("the connection broke")
    return PlaceError(f"not a URL that can be asked ({type(error).__name__})")


def retry_after(value: str) -> float:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or a date; give seconds."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    import email.utils

    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    return 0
