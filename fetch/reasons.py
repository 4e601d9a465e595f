"""URLs in messages."""

from urllib.parse import urlsplit

from base.errors import printable


def redact(url: str) -> str:
    """Return a URL without credentials and query, for messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
