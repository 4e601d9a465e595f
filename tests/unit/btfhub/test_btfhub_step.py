"""btfhub.step, the process by which a build minimizes one kernel's BTF: its answer or its error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpf_objects
import hubs
import pytest
import small_kernels

from btfhub.minimize import minimize

PROBE = """
struct task_struct { int pid; } CORE;
SEC("raw_tp/probe") int probe(struct task_struct *task) { out = task->pid; return 0; }
"""
APP = """
struct thread_info { unsigned long flags; } CORE;
struct task_struct { int tgid; int none; unsigned int flags; struct thread_info thread_info; } CORE;
SEC("raw_tp/app") int app(struct task_struct *task)
{
    out = (long)&task->tgid;
    return 0;
}
SEC("raw_tp/more") int more(struct task_struct *task)
{
    MORE;
    return 0;
}
"""


@pytest.fixture
def request_(tmp_path: Path) -> dict[str, Any]:
    """A request whose app reads what every kernel has."""
    return {
        "kernel": str(small_kernels.kernel(tmp_path, "5.10.107-mine")),
        "packed": None,
        "unpacked": str(tmp_path / "unpacked"),
        "probe": str(bpf_objects.compiled(tmp_path, "probe", PROBE)),
        "objects": [str(app(tmp_path, "out = 0"))],
        "bpftool": "bpftool",
        "lock": str(hubs.SHIPPED),
    }


def app(folder: Path, more: str) -> Path:
    return bpf_objects.compiled(folder, "app", APP.replace("MORE", more))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Give what the process answers; whatever it is, it ends well and says nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "btfhub.step"],
        cwd=hubs.ROOT,
        input=json.dumps(request),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_btf_is_what_the_probe_and_the_app_need_of_the_kernels(request_: dict[str, Any]) -> None:
    objects = [Path(request_["probe"]), *map(Path, request_["objects"])]
    expected = minimize(objects, Path(request_["kernel"]))
    assert answer(request_) == {"btf": expected.hex(), "missing": [], "unreliable": []}
    assert b"\0pid\0" in expected  # which only the probe reads
    assert b"\0tgid\0" in expected


def test_fields_that_the_kernel_lacks_are_told(request_: dict[str, Any], tmp_path: Path) -> None:
    request_["objects"] = [str(app(tmp_path, "out = task->none + task->flags"))]
    assert answer(request_)["missing"] == ["task_struct.flags", "task_struct.none"]


def test_file_of_the_hub_is_unpacked_and_its_known_defects_are_told(
    request_: dict[str, Any], tmp_path: Path
) -> None:
    packed, file = hubs.real("a12-5.10-2022-05")
    request_ |= {"kernel": file.name, "packed": str(packed)}
    request_["objects"] = [str(app(tmp_path, "out = task->flags"))]
    first = answer(request_)
    assert (first["missing"], first["unreliable"]) == ([], ["task_struct.flags"])
    raw = tmp_path / "unpacked/a12-5.10-2022-05.btf"
    assert raw.stat().st_size == file.btf_size
    request_["packed"] = None  # it is not asked for again
    assert answer(request_) == first


def test_wrong_archive_is_an_error(request_: dict[str, Any], tmp_path: Path) -> None:
    _, file = hubs.real("a12-5.10-2022-05")
    packed, _ = hubs.real("a12-5.10-2022-06")
    assert answer(request_ | {"kernel": file.name, "packed": str(packed)}) == {
        "error": f"the BTF in {file.path} is not the one of the lock",
        "hint": "",
    }
    assert not (tmp_path / "unpacked").exists()


def test_bad_btf_is_an_error_with_a_hint(request_: dict[str, Any], tmp_path: Path) -> None:
    path = small_kernels.kernel(tmp_path, "5.10.108-x86", arch="x86_64")
    assert answer(request_ | {"kernel": str(path)}) == {
        "error": f"{path}: BTF: it is of a kernel for x86_64, not for arm64",
        "hint": "take the BTF of the right kernel",
    }


def test_missing_bpftool_is_an_error_with_a_hint(request_: dict[str, Any]) -> None:
    told = answer(request_ | {"bpftool": "/no/bpftool"})
    assert told["error"] == "cannot run /no/bpftool: No such file or directory"
    assert told["hint"].startswith("install it: apt-get install bpftool")


def test_unsound_object_is_an_error(request_: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "none.bpf.o"
    path.write_text("no object")
    assert answer(request_ | {"objects": [str(path)]}) == {
        "error": "none.bpf.o is no sound BPF object: it is no ELF file for BPF",
        "hint": "",
    }
