"""Archives made to do harm: nothing lands outside, nothing is left, and the message says why."""

import bz2
import gzip
import lzma
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_archives import GOOD, HOSTILE, folder, link, member, tar

from fetch.errors import ArchiveError
from fetch.extract import MTIME, extract

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., Path]:
    """Extract bytes into <tmp_path>/box/tree, and check that nothing else appeared anywhere."""
    (tmp_path / "secret").write_text("secret")

    def run(data: bytes, **options: object) -> Path:
        archive = tmp_path / "a.tar"
        archive.write_bytes(data)
        tree = tmp_path / "box" / "tree"
        try:
            extract(archive, tree, **options)  # type: ignore[arg-type]
        except ArchiveError:
            assert list((tmp_path / "box").iterdir()) == [], "half a tree is left"
            raise
        finally:
            assert {p.name for p in tmp_path.iterdir()} == {"secret", "a.tar", "box"}
            assert (tmp_path / "secret").read_text() == "secret"
            assert (tmp_path / "secret").stat().st_nlink == 1
        assert [p.name for p in (tmp_path / "box").iterdir()] == ["tree"]
        return tree

    return run


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_good_archive_gives_its_tree(
    unpack: Callable[..., Path], pack: Callable[[bytes], bytes]
) -> None:
    tree = unpack(pack(tar(*GOOD)))
    assert sorted(str(p.relative_to(tree)) for p in tree.rglob("*")) == [
        "run", "src", "src/a.c",
    ]  # fmt: skip
    assert (tree / "src/a.c").read_bytes() == b"int a;\n"


def test_names_may_begin_with_the_folder_that_was_packed(unpack: Callable[..., Path]) -> None:
    tree = unpack(tar(folder("./"), folder("./top"), member("./top/a.c", b"int a;\n")))
    assert [path.name for path in tree.iterdir()] == ["a.c"]


def test_modes_and_times_are_normalized(unpack: Callable[..., Path]) -> None:
    old = os.umask(0o077)
    try:
        tree = unpack(tar(*GOOD))
    finally:
        os.umask(old)
    modes = {p.name: oct(p.lstat().st_mode & 0o7777) for p in tree.rglob("*") if p.is_file()}
    assert modes == {"a.c": "0o644", "run": "0o755"}
    assert (tree / "src/a.c").stat().st_mtime == MTIME


def test_only_what_is_chosen_is_written(unpack: Callable[..., Path]) -> None:
    tree = unpack(tar(*GOOD, member("top/srcs", b"x")), only=("src", "run"))
    assert sorted(p.name for p in tree.rglob("*")) == ["a.c", "run", "src"]


def test_chosen_files_are_read_to_the_last_and_no_further(unpack: Callable[..., Path]) -> None:
    cut = tar(*GOOD, member("top/late", b"x" * 100_000))[:-50_000]
    for only in ("src",), ("src/a.c", "late"), ():
        with pytest.raises(ArchiveError, match="is damaged"):
            unpack(cut, only=only)
    assert [p.name for p in unpack(cut, only=("src/a.c",)).rglob("*.c")] == ["a.c"]


def test_folders_of_another_layout_get_upstreams_names(unpack: Callable[..., Path]) -> None:
    data = tar(
        folder("top"),
        member("top/src/theirs.c", b"of another src"),
        member("top/tools/bpf/main.c", b"int m;"),
        member("top/tools/bpfilter/other.c"),
        link("top/tools/again.c", "bpf/main.c"),
        member("top/tools/include/x.h", b"x"),
    )
    layout = {"src": "tools/bpf", "include": "tools/include"}
    tree = unpack(data, layout=layout)
    found = {str(p.relative_to(tree)): p.read_bytes() for p in tree.rglob("*.[ch]")}
    assert found == {"src/main.c": b"int m;", "include/x.h": b"x"}
    tree = unpack(data, only=("src/main.c",), layout=layout)
    assert [p.name for p in tree.rglob("*.[ch]")] == ["main.c"]


def test_a_file_outside_the_layout_is_not_there(unpack: Callable[..., Path]) -> None:
    data = tar(folder("top"), member("top/src/theirs.c"), member("top/tools/bpf/main.c"))
    with pytest.raises(ArchiveError, match=r"holds no src/theirs\.c\n"):
        unpack(data, only=("src/theirs.c",), layout={"src": "tools/bpf"})


def test_finished_tree_replaces_the_old_one(unpack: Callable[..., Path]) -> None:
    tree = unpack(tar(*GOOD))
    (tree / "stale").touch()
    unpack(tar(folder("top"), member("top/new", b"x")))
    assert [p.name for p in tree.iterdir()] == ["new"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused(unpack: Callable[..., Path], tmp_path: Path, name: str) -> None:
    data, reason = HOSTILE[name]
    with pytest.raises(ArchiveError) as failure:
        unpack(data)
    assert str(failure.value) == (
        f"error: the archive {tmp_path}/a.tar {reason}\nhint: nothing was extracted"
    )


def test_archive_without_a_chosen_folder_is_refused(unpack: Callable[..., Path]) -> None:
    with pytest.raises(ArchiveError, match="holds no lib\n"):
        unpack(tar(*GOOD), only=("src", "lib"))


def test_killed_extraction_leaves_no_tree_and_its_rest_is_removed(tmp_path: Path) -> None:
    big = [member(f"top/{n}", bytes(100_000)) for n in range(500)]
    (tmp_path / "a.tar").write_bytes(tar(folder("top"), *big))
    box = tmp_path / "box"
    code = "import sys; from pathlib import Path; from fetch.extract import extract; "
    code += "extract(Path(sys.argv[1]), Path(sys.argv[2]))"
    killed = False
    for _ in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "a.tar", box / "tree"], cwd=ROOT
        )
        while child.poll() is None and not list(box.glob(".tree.tmp/1*")):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        killed = bool(list(box.glob(".tree.tmp")))
        if killed:
            break
    assert killed
    assert not (box / "tree").exists()
    extract(tmp_path / "a.tar", box / "tree")
    assert [p.name for p in box.iterdir()] == ["tree"]
    assert len(list((box / "tree").iterdir())) == 500


def test_unwritable_target_is_one_clear_error(tmp_path: Path) -> None:
    from base.errors import DroidbpfError

    (tmp_path / "a.tar").write_bytes(tar(*GOOD))
    (tmp_path / "file").touch()
    with pytest.raises(DroidbpfError) as failure:
        extract(tmp_path / "a.tar", tmp_path / "file" / "tree")
    assert failure.value.message.startswith(f"cannot extract {tmp_path}/a.tar to {tmp_path}/file/")
