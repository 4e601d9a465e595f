"""The linter tells the hub files that were built otherwise, and the fields that moved thereby."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import bpf_objects
import hubs
import pytest

from btfhub import archive, btf, images, lint, names
from btfhub.__main__ import main
from btfhub.typegraph import Struct, structs
from vmlinux import renew

ALL = ("scs", "cfi", "kasan")
GKI = "android13-5.10"


@cache
def real(name: str) -> bytes:
    return archive.unpack(hubs.real(name)[0])[1]


@cache
def composites(name: str) -> dict[str, Struct]:
    """Return the structs and unions of a real hub file that have a name."""
    layout = btf.walk(real(name))
    uses = Counter(layout.name(number) for number in layout.of_kind(btf.STRUCT, btf.UNION))
    return structs(real(name), [name for name, count in uses.items() if count == 1])


def flagged(name: str, fields: set[tuple[str, str]]) -> set[tuple[str, str]]:
    found = lint.defects(real(name), names.parse_name(name).branch)
    return {(one.struct, one.member) for one in lint.unreliable(real(name), found, fields)}


@pytest.mark.parametrize("name", ["a12-5.10-2021-09", "a12-5.10-2023-04", "a12-5.10", "a13-5.10"])
def test_files_of_the_wrong_configuration_have_all_three_defects(name: str) -> None:
    found = lint.defects(real(name), names.parse_name(name).branch)
    assert tuple(defect.name for defect in found) == ALL


@pytest.mark.parametrize("name", ["a13-5.10-2022-04", "a13-5.10-2023-04", "a13-5.10-lts"])
def test_files_of_the_right_configuration_have_none(name: str) -> None:
    assert lint.defects(real(name), GKI) == ()


def test_kernels_that_may_lack_it_by_right_are_not_judged() -> None:
    data = images.read(renew.FOLDER / "arm64.btf.xz")
    assert lint.defects(data, "") == ()
    assert lint.defects(data, "rock5b") == ()
    assert [defect.name for defect in lint.defects(data, GKI)] == ["scs", "cfi"]


def test_exactly_the_fields_that_moved_are_unreliable() -> None:
    wrong, right = composites("a13-5.10"), composites("a13-5.10-2023-04")
    fields = {(name, member) for name, struct in wrong.items() for member in struct.members}
    moved = {
        (name, member)
        for name, member in fields
        if name in right and wrong[name].members[member] != right[name].members.get(member)
    }
    assert len(moved) > 80
    assert flagged("a13-5.10", fields) == moved
    assert flagged("a13-5.10-2023-04", fields) == set()


def test_fields_of_the_facts_are_judged_as_they_were_measured() -> None:
    good = {"pid", "tgid", "real_parent", "cred", "comm", "start_time", "exit_code", "nsproxy"}
    bad = {"state", "stack", "flags", "cpu", "prio", "sched_class", "utask", "security", "thread"}
    fields = {("task_struct", member) for member in good | bad}
    fields |= {("thread_info", "flags"), ("task_struct", "thread_info")}
    found = flagged("a12-5.10-2022-05", fields)
    assert found == {("task_struct", member) for member in bad}


OBJECT = """
struct thread_info { unsigned long flags; } CORE;
struct task_struct { struct thread_info thread_info; volatile long state; int pid; } CORE;
SEC("tp/x") int f(struct task_struct *t) { out = %s; return 0; }
"""


def linted(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    hub = str(hubs.ASSETS / "btfhub")
    status = main(["lint", "--hub", hub, *arguments])
    return status, capsys.readouterr().out.splitlines()


def test_command_shows_the_fields_of_an_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hubs.real("a12-5.10-2022-05")
    hubs.real("a13-5.10-2022-05")
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    bad = bpf_objects.compiled(tmp_path, "bad", OBJECT % "t->state + t->thread_info.flags")
    good = bpf_objects.compiled(tmp_path, "good", OBJECT % "t->pid")
    files = ("a12-5.10-2022-05", "a13-5.10-2022-05")
    titles = [
        "scs: no shadow call stack: thread_info has no scs_base and scs_sp",
        "cfi: no control flow integrity: module has no cfi_check",
        "kasan: KASAN in software: task_struct has kasan_depth, no memory tags in hardware",
    ]
    table = ["a12-5.10-2022-05  scs, cfi, kasan", "a13-5.10-2022-05  no known defect", *titles]
    assert linted(capsys, *files) == (1, table)
    assert linted(capsys, *files, "--object", str(bad)) == (
        1,
        [*table, "unreliable in a12-5.10-2022-05: task_struct.state (scs)"],
    )
    assert linted(capsys, files[0], "--object", str(good)) == (
        0,
        [table[0], *titles, "every field that the objects read is reliable"],
    )
    status, lines = linted(capsys, files[0], "--object", str(bad), "--json")
    (row,) = json.loads("\n".join(lines))["files"]
    assert (status, row["judged"], row["branch"]) == (1, True, "android12-5.10")
    assert row["unreliable"] == [
        {"struct": "task_struct", "member": "state", "bit_offset": 256, "defects": ["scs"]}
    ]


def test_file_without_a_branch_is_judged_by_the_one_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.btf"
    file.write_bytes(images.read(renew.FOLDER / "arm64.btf.xz"))
    line = f"{file}  not judged: no branch in its name"
    assert main(["lint", str(file)]) == 0
    assert capsys.readouterr().out == f"{line}\n"
    assert main(["lint", str(file), "--branch", "android12-5.10"]) == 1
    assert capsys.readouterr().out.startswith(f"{file}  scs, cfi\n")
