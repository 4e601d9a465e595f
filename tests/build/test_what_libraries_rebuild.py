"""A changed pin, script or header of a library compiles that library, and equal bytes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
from pathlib import Path

from checkout import Tree, assert_same

from base.settings import Settings
from fetch import download, pins
from fetch.extract import extract


def test_removed_library_comes_back_from_its_objects(tree: Tree) -> None:
    before = tree.products()
    (tree.variant / "third_party/libz.a").unlink()
    assert tree.scons().made == ["third_party/libz.a"]
    assert_same(before, tree.products())


def test_truncated_library_is_not_trusted(tree: Tree) -> None:
    before = tree.products()
    os.truncate(tree.variant / "third_party/libz.a", 1000)
    tree.scons()
    assert_same(before, tree.products())


def test_removed_sources_of_libraries_are_not_missed(tree: Tree) -> None:
    for folder in (tree.build / "third_party").glob("*-*"):
        shutil.rmtree(folder)
    tree.assert_up_to_date()


def test_new_url_of_a_pin_rebuilds_nothing(tree: Tree) -> None:
    tree.edit("third_party/sources.toml", "https://zlib.net/", "https://example.invalid/")
    assert tree.scons().made == []


def test_changed_pin_is_extracted_again_and_equal_sources_are_not_compiled(tree: Tree) -> None:
    pins = (tree.path / "third_party/sources.toml").read_text()
    upstream = pins.split("[zlib]")[1].split('sha256 = "')[1][:64]
    tree.edit("third_party/sources.toml", upstream, "0" * 64)
    result = tree.scons("offline=1")
    assert "  FETCH    zlib 1.3.1" in result.out.splitlines()
    assert result.made == []


def test_changed_pin_that_no_place_satisfies_fails(tree: Tree) -> None:
    path = tree.path / "third_party/sources.toml"
    before = path.read_text()
    changed = before.split("[zlib]")[0] + "[zlib]" + _zero_hashes(before.split("[zlib]")[1])
    path.write_text(changed)
    result = tree.scons("offline=1", status=2)
    assert "\nerror: no place gives this file:\n  zlib-1.3.1.tar.gz (" in f"\n{result.err}"
    path.write_text(before)
    assert tree.scons("offline=1").made == []


def _zero_hashes(text: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "0" * 64, text)


def test_changed_script_of_a_library_compiles_that_library(tree: Tree) -> None:
    tree.edit("third_party/zlib/SConscript", '"-w"', '"-w", "-DNEW"')
    made = tree.scons().made
    assert len([name for name in made if name.startswith("third_party/libz/")]) == 15
    assert not [name for name in made if name.startswith("third_party/lib") and name[15] != "z"]
    assert "third_party/libbpf.a" not in made


def test_comment_in_a_script_of_a_library_rebuilds_nothing(tree: Tree) -> None:
    tree.append("third_party/libbpf/SConscript", "# the end\n")
    assert tree.scons().made == []


def test_changed_config_header_of_a_library_compiles_that_library(tree: Tree) -> None:
    tree.append("third_party/libelf/config.h", "#define NEW 1\n")
    made = tree.scons().made
    assert len([name for name in made if name.startswith("third_party/libelf/")]) == 117
    assert not [name for name in made if name.startswith(("third_party/libz/", "apps/"))]


def test_pin_whose_headers_alone_differ_compiles_what_includes_them(
    tree: Tree, tmp_path: Path
) -> None:
    pin = pins.load(tree.path / "third_party/sources.toml")["zlib"]
    source = download.obtain(pin, Settings.from_environment())
    extract(source, tmp_path / "zlib-1.3.1")
    header = tmp_path / "zlib-1.3.1/zutil.h"
    header.write_text(header.read_text() + "/* new */\n")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    with tarfile.open(mirror / pin.filename, "w:gz") as archive:
        archive.add(header.parent, "zlib-1.3.1")
    content = (mirror / pin.filename).read_bytes()
    tree.edit("third_party/sources.toml", pin.sha256, hashlib.sha256(content).hexdigest())
    tree.edit("third_party/sources.toml", f"size = {pin.size}", f"size = {len(content)}")
    alternative = pin.alternatives[0].sha256
    tree.edit("third_party/sources.toml", alternative, "0" * 64)
    options, env = (f"mirror={mirror}", "offline=1"), {"DROIDBPF_CACHE": f"{tmp_path}/c"}
    result = tree.scons(*options, env=env)
    including = ["adler32", "crc32", "deflate", "infback", "inffast", "inflate", "inftrees"]
    including += ["trees", "zutil"]
    objects = [name for name in result.made if name.endswith(".o")]
    assert objects == [f"third_party/libz/{name}.o" for name in including]
    assert not result.bpf_and_apps
    tree.assert_up_to_date(*options, env=env)


def test_edited_object_of_a_library_is_nobodys_business(tree: Tree) -> None:
    """What makes a library is known by its state file; its objects are not even looked at."""
    for path in (tree.variant / "third_party/libz").iterdir():
        path.unlink()
    tree.assert_up_to_date()
