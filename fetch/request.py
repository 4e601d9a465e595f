"""Send one GET and read its answer: redirects and credentials within bounds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from fetch.errors import PlaceError
from fetch.pace import Limits
from fetch.reasons import redact

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}


def receive(
    session: "requests.Session", url: str, headers: dict[str, str], limits: Limits
) -> Iterator["requests.Response | bytes"]:
    """Send a request; yield the response, then its body."""
    with _request(session, url, headers, limits) as response:
        yield response
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            yield chunk


def _request(
    session: "requests.Session", url: str, headers: dict[str, str], limits: Limits
) -> "requests.Response":
    """Send a GET, following redirects within bounds; credentials stay with their host.

    requests' own redirects read whole bodies, and would go from https to http. The timeout of a
    read only ends the thread of an answer that was given up long before.
    """
    origin = urlsplit(url)
    for _ in range(limits.redirects + 1):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PlaceError(f"not an http(s) URL: {redact(url)}")
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        same = (parts.scheme, bare.netloc) == (origin.scheme, origin.netloc.rpartition("@")[2])
        response = session.get(
            bare.geturl(),
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=(limits.connect, 2 * (limits.connect + limits.window)),
            auth=_credentials(origin if same else bare),  # type: ignore[arg-type]
        )
        if response.status_code not in _REDIRECTS or "Location" not in response.headers:
            return response
        response.close()
        target = urljoin(bare.geturl(), response.headers["Location"])
        if parts.scheme == "https" and urlsplit(target).scheme != "https":
            raise PlaceError(f"redirects from https to {urlsplit(target).scheme}, refused")
        url = target
    raise PlaceError(f"more than {limits.redirects} redirects")


def _credentials(parts: SplitResult) -> object:
    """Return the URL's own credentials; else netrc's for https (None), and none at all for http."""
    if parts.username is not None:
        return unquote(parts.username), unquote(parts.password or "")
    return None if parts.scheme == "https" else lambda request: request
