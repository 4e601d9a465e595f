"""Fixtures that several files of tests share: of fetch, and a folder of programs."""

import os
from collections.abc import Iterator
from pathlib import Path

import http_server
import pytest

from base.settings import Settings
from fetch.connections import Connections

pytest.register_assert_rewrite("things")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of the environment: servers of tests are on loopback."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[http_server.Server]:
    with http_server.running() as running:
        yield running


@pytest.fixture
def reported() -> list[str]:
    """The lines that were reported to the user."""
    return []


@pytest.fixture
def settings(tmp_path: Path, reported: list[str], no_proxy: None) -> Settings:
    """An empty cache that reports to `reported`."""
    return Settings(cache=tmp_path / "cache", report=reported.append)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that downloads would wait before they try again: they wait no time."""
    found: list[float] = []
    pause = Connections.pause

    def noted(connections: Connections, seconds: float) -> None:
        found.append(seconds)
        pause(connections, min(seconds, 0.01))

    monkeypatch.setattr(Connections, "pause", noted)
    return found


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder that holds the thing."""
    from things import DATA, pin_of

    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / pin_of().filename).write_bytes(DATA)
    return folder


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder
