"""Every file of pins can be read."""

import pytest
from tracked import ROOT

from fetch import pins

FILES = ("third_party/sources.toml", "toolchains/musl.toml", "benchmarks/peers.toml")


@pytest.mark.parametrize("file", FILES)
def test_pins_can_be_read(file: str) -> None:
    assert pins.load(ROOT / file)
