"""`./dev btfhub check` tells what BTFs are of, and gives one error for each that is bad."""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path

import hubs
import pytest
from btf_mutations import every_kind

from btfhub import images
from btfhub.__main__ import main
from vmlinux import renew

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))


def test_files_of_all_forms_and_of_the_hub_are_reported(tmp_path: Path, capsys: Captured) -> None:
    hubs.real("rock5b-5.10-f9d1b1529")
    raw = tmp_path / "raw"
    raw.write_bytes(images.read(renew.FOLDER / "x86_64.btf.xz"))
    packed = str(renew.FOLDER / "arm64.btf.xz")
    files = [str(raw), packed, "rock5b"]
    assert main(["check", "--offline", "--hub", str(hubs.ASSETS / "btfhub"), *files]) == 0
    width = max(map(len, [*files, "rock5b-5.10-f9d1b1529"]))
    assert capsys.readouterr().out.splitlines() == [
        f"{raw!s:{width}}  x86_64  113665 types   4964214 bytes",
        f"{packed:{width}}  arm64   127357 types   5641065 bytes",
        f"{'rock5b-5.10-f9d1b1529':{width}}  arm64   146644 types   6615009 bytes",
    ]


def test_bad_files_are_named_and_the_others_are_reported(tmp_path: Path, capsys: Captured) -> None:
    good = str(renew.FOLDER / "arm64.btf.xz")
    names = ("cut.btf", "text.btf", "none.btf", "pipe.btf")
    cut, text, none, pipe = (tmp_path / name for name in names)
    cut.write_bytes(lzma.decompress(Path(good).read_bytes())[:-1])
    text.write_text("text")
    os.mkfifo(pipe)
    assert main(["check", str(cut), str(text), good, str(none), str(pipe)]) == 2
    reported = capsys.readouterr()
    assert reported.out == f"{good}  arm64   127357 types   5641065 bytes\n"
    assert [line for line in reported.err.splitlines() if line.startswith("error")] == [
        f"error: {cut}: BTF: its header states 5641065 bytes, there are 5641064",
        f"error: {text} is neither BTF nor a file that has BTF",
        f"error: cannot read {none}: No such file or directory",
        f"error: {pipe} is a pipe",
    ]
    assert main(["check", "--json", str(text), good]) == 2
    first, second = json.loads(capsys.readouterr().out)["files"]
    assert first["error"] == f"{text} is neither BTF nor a file that has BTF"
    assert second == {"name": good, "arch": "arm64", "types": 127357, "size": 5641065}


def test_what_is_no_kernel_is_refused(tmp_path: Path, capsys: Captured) -> None:
    small = tmp_path / "small.btf"
    small.write_bytes(every_kind())
    assert main(["check", str(small)]) == 2
    assert capsys.readouterr().err.startswith(
        f"error: {small}: BTF: it is not a whole kernel's: there is no struct list_head\n"
    )


def test_name_is_shown_without_what_terminals_obey(tmp_path: Path, capsys: Captured) -> None:
    small = tmp_path / "\x1b[31m.btf"
    small.write_bytes(hubs.btf("word"))
    assert main(["check", str(small)]) == 0
    assert capsys.readouterr().out.startswith(f"{ascii(str(small))[1:-1]}  arm64  ")


def test_name_that_no_hub_has_is_an_error(capsys: Captured) -> None:
    assert main(["check", "--offline", "rock5"]) == 2
    assert "no file or branch of the hub is named rock5" in capsys.readouterr().err
