"""What programs are and report: asked once, and again when they change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from small_programs import answer, program

from toolchains import bpf
from toolchains.probe import REPORT, Probes, identity, which


def test_identity_is_that_of_the_file_behind_links(bin_: Path) -> None:
    path = program(bin_, "clang-19")
    (bin_ / "clang").symlink_to("clang-19")
    stat = path.stat()
    assert identity(str(path)) == f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    assert identity(str(bin_ / "clang")) == identity(str(path))


def test_identity_changes_with_size_and_time_of_change(bin_: Path) -> None:
    path = program(bin_, "gcc")
    first = identity(str(path))
    os.utime(path, ns=(1, 1))
    second = identity(str(path))
    path.write_text("longer than before, at the same time")
    os.utime(path, ns=(1, 1))
    assert len({first, second, identity(str(path))}) == 3


def test_identity_of_no_file_is_an_os_error(bin_: Path) -> None:
    with pytest.raises(FileNotFoundError):
        identity(str(bin_ / "none"))


def test_which_gives_the_first_executable_of_the_path(tmp_path: Path, bin_: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (bin_ / "tool").write_text("not executable")
    (bin_ / "folder").mkdir()
    expected = program(other, "tool")
    program(other, "folder")
    path = f"{bin_}::{tmp_path / 'none'}:{other}"
    assert which("tool", path) == str(expected)
    assert which("folder", path) == str(other / "folder")
    assert which("none", path) == ""
    assert which("tool", "") == ""


def test_an_answer_is_asked_for_once_in_a_lifetime(tmp_path: Path, bin_: Path) -> None:
    counter = tmp_path / "counter"
    path = str(program(bin_, "tool", f"echo asked >>{counter}; echo $1"))
    for _ in range(3):
        probes = Probes(tmp_path / "probes.json", str(bin_))
        assert probes.ask(path, "--version") == "--version\n"
        probes.save()
    assert counter.read_text() == "asked\n"
    assert probes.ask(path, "-v") == "-v\n"
    assert counter.read_text() == "asked\n" * 2


def test_a_changed_program_is_asked_again(tmp_path: Path, bin_: Path) -> None:
    for text in ("one", "two"):
        path = str(answer(bin_, "tool", text))
        probes = Probes(tmp_path / "probes.json", str(bin_))
        assert probes.ask(path, "--version") == f"{text}\n"
        probes.save()


def test_a_failure_is_no_answer_and_is_not_remembered(tmp_path: Path, bin_: Path) -> None:
    store = tmp_path / "probes.json"
    path = program(bin_, "tool", "echo wrong; exit 1")
    probes = Probes(store, str(bin_))
    assert probes.ask(str(path), "--version") == ""
    probes.save()
    assert not store.exists()
    path.write_bytes(b"\x7fELF no program")
    assert Probes(store, str(bin_)).ask(str(path), "--version") == ""


def test_programs_are_asked_in_the_c_locale_with_no_input(tmp_path: Path, bin_: Path) -> None:
    path = program(bin_, "tool", "echo $LC_ALL; cat; echo end >&2")
    assert Probes(tmp_path / "probes.json", "").ask(str(path)) == "C\nend\n"


@pytest.mark.parametrize("content", ["", "[", "[1]", '{"a": 3}', "null", "\udcff"])
def test_a_damaged_store_is_begun_again(tmp_path: Path, bin_: Path, content: str) -> None:
    store = tmp_path / "probes.json"
    store.write_bytes(os.fsencode(content))
    path = str(answer(bin_, "tool", "12"))
    probes = Probes(store, str(bin_))
    assert probes.ask(path) == "12\n"
    probes.save()
    assert list(json.loads(store.read_text()).values()) == ["12\n"]


def test_a_store_that_cannot_be_written_does_not_hinder(tmp_path: Path, bin_: Path) -> None:
    (tmp_path / "build").touch()
    probes = Probes(tmp_path / "build" / "probes.json", str(bin_))
    assert probes.ask(str(answer(bin_, "tool", "12"))) == "12\n"
    probes.save()


def test_each_clang_is_asked_once_for_its_version_and_for_what_it_runs(
    tmp_path: Path, bin_: Path
) -> None:
    """Though a folder is in PATH twice, the second time through a link."""
    counter = tmp_path / "counter"
    report = f"echo $* >>{counter}; echo clang version 19.1.7; echo '    bpf - BPF'"
    path = program(bin_, "clang", report)
    (tmp_path / "link").symlink_to(bin_)
    probes = Probes(tmp_path / "probes.json", f"{bin_}:{tmp_path / 'link'}")
    assert bpf.newest_clang(probes) == ((str(path),), (19, 1, 7))
    probes.identity(str(path))
    assert counter.read_text().splitlines() == [" ".join(REPORT), "--print-targets"]


def test_a_compiler_that_failed_once_is_asked_again_what_it_runs(
    tmp_path: Path, bin_: Path
) -> None:
    program(bin_, "clang-19", "exit 0")
    report = f'[ -e {tmp_path}/ready ] && echo \' "{bin_}/clang-19" "-cc1" "-triple"\''
    path = str(program(bin_, "gcc", report))
    for ready in (False, True):
        probes = Probes(tmp_path / "probes.json", str(bin_))
        assert (str(identity(str(bin_ / "clang-19"))) in probes.identity(path)) is ready
        probes.save()
        (tmp_path / "ready").touch()
