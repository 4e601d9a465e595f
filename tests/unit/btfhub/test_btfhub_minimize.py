"""`./dev btfhub minimize` keeps of BTFs what objects need, and tells which kernels share it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bpf_objects
import hubs
import pytest
import small_kernels
import small_programs

from base.errors import DroidbpfError
from btfhub import minimize
from btfhub.__main__ import main

Captured = pytest.CaptureFixture[str]

OBJECT = """
struct task_struct { int tgid; struct task_struct *real_parent; } CORE;
SEC("raw_tp/x") int prog(struct task_struct *task)
{
    out = (long)&task->real_parent->tgid;
    return 0;
}
"""
KERNELS = {
    "5.10.1-first": small_kernels.TASK,
    "5.10.2-same": small_kernels.TASK.replace("pid", "uid", 1),
    "5.10.3-moved": f"long flags; {small_kernels.TASK}",
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an app's object and the BTFs of three kernels."""
    made = tmp_path_factory.mktemp("minimize")
    bpf_objects.compiled(made, "app", OBJECT)
    for name, task in KERNELS.items():
        small_kernels.kernel(made, name, task, more="struct unused { int member; } unused;")
    return made


@pytest.fixture
def app(folder: Path) -> Path:
    return folder / "app.bpf.o"


@pytest.fixture
def paths(folder: Path) -> list[str]:
    return [str(folder / f"{name}.btf") for name in KERNELS]


def minimized(objects: list[Path], btf: str, bpftool: str = "bpftool") -> bytes:
    return minimize.relocate(objects, Path(btf).read_bytes(), Path(btf).stem, bpftool)[1]


def test_only_what_the_objects_relocate_is_kept(app: Path, paths: list[str]) -> None:
    small = minimized([app], paths[0])
    assert b"\0task_struct\0" in small
    assert b"\0tgid\0" in small
    assert b"\0real_parent\0" in small
    assert not any(name in small for name in (b"pid\0unused", b"\0unused\0", b"list_head"))
    assert len(small) < len(Path(paths[0]).read_bytes()) // 2


def test_what_the_objects_cannot_tell_apart_is_one_btf(app: Path, paths: list[str]) -> None:
    first, same, moved = (minimized([app], path) for path in paths)
    assert first == same
    assert first != moved


def test_distinct_btfs_are_written_once_with_their_kernels(
    app: Path, paths: list[str], tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "deep/out"
    assert main(["minimize", "--object", str(app), "--out", str(out), *paths]) == 0
    blobs = [minimized([app], path) for path in (paths[0], paths[2])]
    files = [f"{hashlib.sha256(blob).hexdigest()[:16]}.btf" for blob in blobs]
    assert capsys.readouterr().out.splitlines() == [
        f"{files[0]}  {len(blobs[0]):>6} bytes  5.10.1-first, 5.10.2-same",
        f"{files[1]}  {len(blobs[1]):>6} bytes  5.10.3-moved",
        f"3 kernels, 2 BTFs, {len(blobs[0]) + len(blobs[1])} bytes",
    ]
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, "index.json"])
    assert [(out / file).read_bytes() for file in files] == blobs
    assert json.loads((out / "index.json").read_text()) == {
        "schema": 1,
        "btfs": [
            {"file": files[0], "size": len(blobs[0]), "kernels": ["5.10.1-first", "5.10.2-same"]},
            {"file": files[1], "size": len(blobs[1]), "kernels": ["5.10.3-moved"]},
        ],
    }


def test_json_is_the_index_and_the_same_each_time(
    app: Path, paths: list[str], tmp_path: Path, capsys: Captured
) -> None:
    command = ["minimize", "--json", "--object", str(app), "--out", str(tmp_path), *paths]
    printed = []
    for _ in range(2):
        assert main(command) == 0
        printed.append(capsys.readouterr().out)
        assert printed[-1] == (tmp_path / "index.json").read_text()
    assert printed[0] == printed[1]


def test_files_of_the_hub_are_minimized_by_name_and_branch(app: Path, capsys: Captured) -> None:
    names = ["a12-5.10-2022-05", "a12-5.10-2022-06", "rock5b-5.10-f9d1b1529"]
    for name in names:
        hubs.real(name)
    hub = ["--hub", str(hubs.ASSETS / "btfhub"), "--offline"]
    assert main(["minimize", "--json", "--object", str(app), *hub, *names[:2], "rock5b"]) == 0
    found = json.loads(capsys.readouterr().out)["btfs"]
    assert [row["kernels"] for row in found] == [names[:2], names[2:]]
    assert all(100 < row["size"] < 2000 for row in found)


def test_name_without_a_release_is_taken_and_shown_without_what_terminals_obey(
    app: Path, folder: Path, capsys: Captured
) -> None:
    path = folder / "my\x1b[2Jphone.btf"
    path.write_bytes((folder / "5.10.1-first.btf").read_bytes())
    assert main(["minimize", "--object", str(app), str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(r" bytes  my\x1b[2Jphone")


def test_missing_bpftool_is_reported_with_its_package(
    app: Path, paths: list[str], capsys: Captured
) -> None:
    assert main(["minimize", "--object", str(app), "--bpftool", "/no/bpftool", *paths]) == 2
    assert capsys.readouterr().err == (
        "error: cannot run /no/bpftool: No such file or directory\n"
        "hint: install it: apt-get install bpftool, or name the one that a build made where it "
        "found none: --bpftool build/host-gnu/third_party/bpftool\n"
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", " status 3"),
        ("echo one >&2; echo two >&2; echo >&2; exit 1", "\n  one\n  two"),
        ("for i in 1 2 3 4 5; do echo $i >&2; done; exit 1", "\n  3\n  4\n  5"),
        ("kill -9 $$", " status -9"),
        (r"printf '\033[2Jx\377\r\n\302\233y\n' >&2; exit 1", "\n  \\x1b[2Jx\\xff\n  \\x9by"),
        (
            "echo \"libbpf: prog 'x': relo #0: no matching targets found\" >&2\n"
            "echo Error: why >&2\n"
            "echo \"libbpf: prog 'x': relo #0: <byte_off> [6] struct task_struct.x\" >&2\nexit 1",
            "\n  Error: why",
        ),
    ],
)
def test_failing_bpftool_is_reported_with_its_last_words_and_nothing_that_terminals_obey(
    app: Path, paths: list[str], bin_: Path, script: str, why: str
) -> None:
    bpftool = small_programs.program(bin_, "bpftool", script)
    with pytest.raises(DroidbpfError) as failure:
        minimized([app], paths[0], str(bpftool))
    message = f"bpftool cannot relocate app.bpf.o on 5.10.1-first:{why}"
    assert failure.value.message == message


def test_object_that_is_none_is_refused_by_the_real_bpftool(
    paths: list[str], tmp_path: Path
) -> None:
    none = tmp_path / "none.bpf.o"
    none.write_text("no object")
    with pytest.raises(DroidbpfError) as error:
        minimized([none], paths[0], "bpftool")
    said = str(error.value)
    assert said.startswith("error: bpftool cannot relocate none.bpf.o on 5.10.1-first:\n  ")
    assert "none.bpf.o" in said.partition("\n")[2]


def test_name_that_looks_like_an_option_is_a_file(
    folder: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-d.btf").write_bytes(Path(paths[0]).read_bytes())
    Path("-V.bpf.o").write_bytes((folder / "app.bpf.o").read_bytes())
    expected = minimized([folder / "app.bpf.o"], paths[0])
    assert minimized([Path("-V.bpf.o")], "-d.btf") == expected


def test_bpftool_that_writes_nothing_is_an_error(app: Path, paths: list[str]) -> None:
    with pytest.raises(DroidbpfError, match=r"^error: bpftool cannot relocate .*: status 0$"):
        minimized([app], paths[0], "true")


def test_bpftool_that_does_not_end_is_ended(
    app: Path, paths: list[str], bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minimize, "_TIMEOUT", 0.1)
    bpftool = small_programs.program(bin_, "bpftool", "exec sleep 60")
    with pytest.raises(
        DroidbpfError, match=r"^error: bpftool did not end on 5\.10\.1-first in 0\.1 s$"
    ):
        minimized([app], paths[0], str(bpftool))


@pytest.mark.parametrize("command", ["minimize", "report"])
def test_file_that_is_no_object_is_refused_before_anything_is_pulled(
    command: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "no.o").write_text("no object")
    assert main([command, "--object", str(tmp_path / "no.o"), "all", "--offline"]) == 2
    assert capsys.readouterr().err.startswith("error: no.o is not a sound BPF object")


def test_missing_object_bad_btf_and_full_folder_are_reported(
    app: Path, paths: list[str], tmp_path: Path, capsys: Captured
) -> None:
    assert main(["minimize", "--object", "none.bpf.o", *paths]) == 2
    assert capsys.readouterr().err == (
        "error: there is no file none.bpf.o\nhint: ./dev scons app=NAME builds NAME.bpf.o\n"
    )
    cut = tmp_path / "5.10.4-cut.btf"
    cut.write_bytes(Path(paths[0]).read_bytes()[:-1])
    assert main(["minimize", "--object", str(app), *paths, str(cut)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {cut}: BTF: its header states ")
    first = hashlib.sha256(minimized([app], paths[0])).hexdigest()[:16]
    assert main(["minimize", "--object", str(app), "--out", str(cut), *paths]) == 2
    assert capsys.readouterr().err == f"error: cannot write {cut}/{first}.btf: File exists\n"
