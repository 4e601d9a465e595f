"""A session of requests: kept connections, and redirects and credentials within bounds."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import requests.adapters
import urllib3

from fetch.errors import PlaceError

Auth = tuple[str, str] | Callable[[Any], Any] | None


class Session(requests.Session):
    """A session that keeps connections. From https it follows redirects to https only.

    A kept connection may be closed by its server at any moment: a request that got no answer on it
    is sent once more. What else to retry depends on what is there already: http.download decides.
    """

    def __init__(self, connections: int) -> None:
        super().__init__()
        retry = urllib3.Retry(total=1, connect=0, read=1, respect_retry_after_header=False)
        for scheme in ("http", "https"):
            adapter = requests.adapters.HTTPAdapter(pool_maxsize=connections, max_retries=retry)
            self.mount(f"{scheme}://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response redirects to; its body is not read."""
        target = super().get_redirect_target(resp)
        if target is not None:
            resp.close()
            here = urlsplit(resp.url).scheme
            there = urlsplit(urljoin(resp.url, target)).scheme
            if there not in ("https", here):
                raise PlaceError(f"redirects from {here} to {there}, refused")
        return target

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop credentials where another host is asked; netrc's are for https only."""
        headers, url = prepared_request.headers, str(prepared_request.url)
        if self.should_strip_auth(str(response.request.url), url):  # type: ignore[no-untyped-call]
            headers.pop("Authorization", None)
        if "Authorization" not in headers and url.startswith("https:"):
            super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]


def credentials(url: str) -> Auth:
    """Return the URL's own credentials; else netrc's for https (None), and none at all for http."""
    own = requests.utils.get_auth_from_url(url)
    if any(own):
        return own
    return None if url.startswith("https:") else lambda request: request
