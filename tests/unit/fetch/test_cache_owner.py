"""Whose cache is trusted: the user's own or root's, where nobody else can write."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from http_server import Server, body
from things import DATA, HASH, pin_of

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import cache
from fetch.download import obtain

ROOT = Path(__file__).parents[3]
PIN = pin_of()


@pytest.fixture
def settings(settings: Settings, mirror: Path) -> Settings:
    """A cache that holds the thing, and a mirror that has it, too."""
    settings = settings._replace(mirror=str(mirror))
    obtain(PIN, settings)
    return settings


def refusal(settings: Settings) -> str:
    with pytest.raises(cache.CacheError) as failure:
        obtain(PIN, settings)
    return str(failure.value)


@pytest.mark.parametrize("name", ["", "sha256"])
def test_cache_that_others_can_write_to_is_refused(settings: Settings, name: str) -> None:
    folder = settings.cache / name
    folder.chmod(0o777)
    assert refusal(settings) == (
        f"error: other users can write to the download cache {folder}\n"
        f"hint: chmod go-w {folder}, or set DROIDBPF_CACHE to a folder of your own"
    )


def test_cache_of_a_shared_group_is_refused(settings: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to change a group")
    settings.cache.chmod(0o775)
    assert obtain(PIN, settings).name == HASH, "the user's own group may write"
    os.chown(settings.cache, -1, 4)
    assert "other users can write to the download cache" in refusal(settings)


def test_cache_of_another_user_is_refused_even_by_root(settings: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to change an owner")
    os.chown(settings.cache, 65534, -1)
    assert refusal(settings) == (
        f"error: the download cache {settings.cache} belongs to another user\n"
        "hint: set DROIDBPF_CACHE to a folder of your own"
    )


def test_link_in_the_place_of_a_file_is_not_followed(
    settings: Settings, tmp_path: Path, reported: list[str]
) -> None:
    path = cache.content(settings.cache, HASH)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert obtain(PIN, settings).read_bytes() == DATA
    assert not path.is_symlink()
    assert reported == [f"the cached file {path} is corrupt (it is a link)"]


def test_folder_of_the_cache_that_is_a_link_is_refused(settings: Settings, tmp_path: Path) -> None:
    (settings.cache / "sha256").rename(tmp_path / "elsewhere")
    (settings.cache / "sha256").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DroidbpfError, match="sha256 is a link"):
        obtain(PIN, settings)


def test_lock_that_is_a_link_is_not_followed(settings: Settings, tmp_path: Path) -> None:
    lock = settings.cache / "locks" / "x"
    lock.symlink_to(tmp_path / "victim")
    with pytest.raises(cache.CacheError), cache.lock(settings.cache, "x"):
        pass
    assert not (tmp_path / "victim").exists()


def test_partial_file_that_is_a_link_is_not_followed(
    settings: Settings, tmp_path: Path, server: Server
) -> None:
    cache.content(settings.cache, HASH).unlink()
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (settings.cache / "partial" / HASH).symlink_to(victim)
    server.routes["/a"] = body(DATA)
    pin = replace(PIN, urls=(server.url + "/a",))
    assert obtain(pin, settings._replace(mirror="")).read_bytes() == DATA
    assert victim.read_bytes() == b"mine"


def test_cache_itself_may_be_a_link(settings: Settings, tmp_path: Path) -> None:
    settings.cache.rename(tmp_path / "another disk")
    settings.cache.symlink_to(tmp_path / "another disk")
    assert obtain(PIN, settings._replace(mirror="", offline=True)).read_bytes() == DATA


def test_cache_is_made_for_its_user_alone_whatever_the_umask(tmp_path: Path, mirror: Path) -> None:
    code = (
        "import os, sys; os.umask(0); from pathlib import Path; from things import pin_of\n"
        "from base.settings import Settings; from fetch.download import obtain\n"
        "obtain(pin_of(), Settings(Path(sys.argv[1]), sys.argv[2]))"
    )
    made = tmp_path / "made"
    subprocess.run(
        [sys.executable, "-c", code, made, mirror],
        cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": ".:tests/helpers"},
    )  # fmt: skip
    writable = [path for path in (made, *made.rglob("*")) if path.stat().st_mode & 0o022]
    assert [path for path in writable if path.is_dir()] == []
