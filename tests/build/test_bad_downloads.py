"""Errors about archives that are wrong or missing name every place and its reason."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Tree, assert_same, download_cache

from fetch import pins

ZLIB = "zlib-1.3.1"


@pytest.fixture
def unfetched(tree: Tree, tmp_path: Path) -> Tree:
    """A built tree that lacks zlib's sources and library; its cache is a copy of the user's."""
    shutil.rmtree(tree.build / "third_party" / ZLIB)
    for path in (tree.variant / "third_party/libz").iterdir():
        path.unlink()
    (tree.variant / "third_party/libz.a").unlink()
    cache = tmp_path / "cache"
    shutil.copytree(download_cache() / "sha256", cache / "sha256")
    tree.env = {"DROIDBPF_CACHE": str(cache)}
    return tree


def _pin(tree: Tree) -> pins.Pin:
    return pins.load(tree.path / "third_party/sources.toml")["zlib"]


def _cached(tree: Tree) -> Path:
    """Return the archive of zlib in the cache: upstream's, or a distribution's."""
    folder = Path(tree.env["DROIDBPF_CACHE"], "sha256")
    return next(folder / hash_ for hash_ in _pin(tree).accepted if (folder / hash_).exists())


def _extracted(tree: Tree) -> list[Path]:
    return [path for path in (tree.build / "third_party" / ZLIB).rglob("*") if path.is_file()]


def _without_places(tree: Tree, *urls: str) -> None:
    """Replace the URLs of zlib's pin; none of the new ones is reachable."""
    path = tree.path / "third_party/sources.toml"
    head, zlib = path.read_text().split("[zlib]")
    listed = ", ".join(f'"{url}"' for url in urls)
    zlib = re.sub(r"urls = \[.*?\]", f"urls = [{listed}]", zlib, flags=re.S)
    path.write_text(f"{head}[zlib]{zlib.split('[[zlib.distribution]]')[0]}")


def test_corrupt_archive_in_the_cache_is_never_used(unfetched: Tree, template: Tree) -> None:
    archive = _cached(unfetched)
    good = archive.read_bytes()
    archive.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    result = unfetched.scons("offline=1", status=2)
    pin = _pin(unfetched)
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert f"error: no place gives this file:\n  {pin.filename} (sha256" in result.err
    if archive.name == pin.sha256:
        assert f"    the cached file {archive} is corrupt (its sha256 is {sha256})\n" in result.err
    assert "hint: put the file at " in result.err
    assert not _extracted(unfetched)
    archive.write_bytes(good)
    unfetched.scons("offline=1")
    assert_same(template.products(), unfetched.products())


def test_mirror_with_wrong_bytes_is_reported_and_nothing_of_it_is_used(
    unfetched: Tree, template: Tree, tmp_path: Path
) -> None:
    pins_text = (unfetched.path / "third_party/sources.toml").read_text()
    archive = _cached(unfetched)
    good = archive.read_bytes()
    archive.unlink()
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / f"{ZLIB}.tar.gz").write_bytes(b"wrong")
    _without_places(unfetched)
    result = unfetched.scons(f"mirror={mirror}", status=2)
    pin = _pin(unfetched)
    cache = unfetched.env["DROIDBPF_CACHE"]
    wrong = hashlib.sha256(b"wrong").hexdigest()
    assert _told(result.err) == (
        f"warning: {pin.filename}: mirror {mirror} is skipped: "
        f"{pin.filename}: wrong bytes (5 bytes, sha256 {wrong})\n"
        "error: no place gives this file:\n"
        f"  {pin.filename} (sha256 {pin.sha256}, {pin.size} bytes)\n"
        f"    cache {cache}: not there\n"
        f"    mirror {mirror}: {pin.filename}: wrong bytes (5 bytes, sha256 {wrong})\n"
        f"hint: put the file at {cache}/sha256/{pin.sha256}, "
        "or name a folder or URL that holds it: mirror=…\n"
    )
    (unfetched.path / "third_party/sources.toml").write_text(pins_text)
    (mirror / "sha256").mkdir()
    (mirror / "sha256" / archive.name).write_bytes(good)
    unfetched.scons(f"mirror={mirror}", "offline=1")
    assert_same(template.products(), unfetched.products())


def test_every_place_and_its_reason_is_listed(unfetched: Tree, tmp_path: Path) -> None:
    _cached(unfetched).unlink()
    urls = (f"http://127.0.0.1:9/{ZLIB}.tar.gz", f"http://127.0.0.1:9/old/{ZLIB}.tar.gz")
    _without_places(unfetched, *urls)
    result = unfetched.scons(f"mirror={tmp_path}/none", status=2)
    pin, cache = _pin(unfetched), unfetched.env["DROIDBPF_CACHE"]
    assert _told(result.err) == (
        "error: no place gives this file:\n"
        f"  {pin.filename} (sha256 {pin.sha256}, {pin.size} bytes)\n"
        f"    cache {cache}: not there\n"
        f"    mirror {tmp_path}/none: no such folder\n"
        f"    {urls[0]}: connection refused\n"
        f"    {urls[1]}: connection refused\n"
        f"hint: put the file at {cache}/sha256/{pin.sha256}, "
        "or name a folder or URL that holds it: mirror=…\n"
    )
    assert not _extracted(unfetched)


def test_offline_lists_what_is_missing_and_where_to_put_it(unfetched: Tree) -> None:
    _cached(unfetched).unlink()
    result = unfetched.scons("offline=1", status=2)
    pin, cache = _pin(unfetched), unfetched.env["DROIDBPF_CACHE"]
    assert _told(result.err) == (
        "error: no place gives this file:\n"
        f"  {pin.filename} (sha256 {pin.sha256}, {pin.size} bytes)\n"
        f"    cache {cache}: not there\n"
        + "".join(f"    {url}: not asked: offline=1\n" for url in pin.urls)
        + "    archive of debian trixie: not asked: offline=1\n"
        "    snapshot of the archive of debian trixie at 20260913T000000Z: not asked: offline=1\n"
        f"hint: put the file at {cache}/sha256/{pin.sha256}, "
        "or name a folder or URL that holds it: mirror=…; or go online\n"
    )


def _told(err: str) -> str:
    """Return our message, which follows SCons's line about the target."""
    return "".join(line for line in err.splitlines(keepends=True) if "scons: ***" not in line)


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount something on a folder; skip the test where that is not allowed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_disk_that_is_full_while_downloading_is_reported(unfetched: Tree, tmp_path: Path) -> None:
    mirror, cache = tmp_path / "cache", tmp_path / "small"
    unfetched.env = {"DROIDBPF_CACHE": str(cache)}
    with mounted(cache, "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs"):
        result = unfetched.scons(f"mirror={mirror}", "offline=1", status=2)
        archives = pins.load(unfetched.path / "third_party/sources.toml").values()
        sizes = [str(size) for pin in archives for size in pin.accepted.values()]
        assert re.fullmatch(
            rf"error: no space left in the download cache {cache}"
            rf": the download needs ({'|'.join(sizes)}) bytes\n"
            "hint: free some space, or set DROIDBPF_CACHE to another folder\n",
            _told(result.err),
        )
        assert not list(cache.glob("sha256/*"))
    assert not _extracted(unfetched)


def test_read_only_build_folder_is_reported(tree: Tree) -> None:
    before = tree.stamps()
    if os.geteuid():
        tree.build.chmod(0o555)
        result = tree.scons("hello", status=2)
        tree.build.chmod(0o755)
    else:
        with mounted(tree.build, "--bind", "-o", "ro", str(tree.build)):
            result = tree.scons("hello", status=2)
    assert result.err == (
        "error: the folder build is read-only\n"
        "hint: a build writes only there: make it writable, or work in a copy of this folder\n"
    )
    assert tree.stamps() == before
    tree.assert_up_to_date()


def test_disk_that_is_full_while_building_is_reported(tree: Tree) -> None:
    before = tree.products()
    shutil.rmtree(tree.app("hello"))
    with mounted(tree.app("hello"), "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        result = tree.scons("hello", status=2)
        assert "No space left on device" in result.err
    tree.scons()
    assert_same(before, tree.products())
