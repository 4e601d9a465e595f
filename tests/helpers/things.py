"""A thing to download, for the tests of fetch: its bytes, its pin, and what of it was stored."""

import hashlib
import random

import pytest

from base.errors import DroidbpfError
from base.settings import Settings
from fetch.download import obtain
from fetch.pins import Pin

DATA = random.Random(1).randbytes(400_000)
HASH = hashlib.sha256(DATA).hexdigest()


def pin_of(*urls: str, data: bytes = DATA) -> Pin:
    return Pin(
        "thing", "1.0", "thing-1.0.tar.gz", hashlib.sha256(data).hexdigest(), len(data), urls
    )


def stored(settings: Settings) -> list[bytes]:
    return [path.read_bytes() for path in (settings.cache / "sha256").glob("*")]


def reason(url: str, settings: Settings, data: bytes = DATA) -> str:
    """Return the reason that the total failure lists for a URL."""
    with pytest.raises(DroidbpfError) as failure:
        obtain(pin_of(url, data=data), settings)
    assert stored(settings) == []
    lines = failure.value.message.split("\n  ")
    assert lines[2] == f"  cache {settings.cache}: not there"
    return lines[3].removeprefix(f"  {url}: ")
