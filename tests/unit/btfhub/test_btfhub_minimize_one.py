"""`btfhub minimize --out-btf`, a build's step for one kernel: the BTF, the faults, or an error."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bpf_objects
import hubs
import pytest
import small_kernels

from btfhub import archive
from btfhub.__main__ import main
from btfhub.minimize import relocate

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
FAULTLESS = {"missing": [], "unreliable": []}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a kernel's BTF, a probe, and an app that reads what every kernel has."""
    folder = tmp_path_factory.mktemp("minimize")
    small_kernels.kernel(folder, "5.10.107-mine")
    bpf_objects.compiled(folder, "probe", PROBE)
    bpf_objects.compiled(folder, "app", APP.replace("MORE", "out = 0"))
    return folder


class Step:
    """The command, with everything that a test does not change."""

    def __init__(self, made: Path, out: Path) -> None:
        self.kernel = made / "5.10.107-mine.btf"
        self.probe = made / "probe.bpf.o"
        self.app = made / "app.bpf.o"
        self.bpftool = "bpftool"
        self.out, self.faults = out / "out.btf", out / "out.json"

    def run(self, *more: str) -> int:
        command = ["minimize", f"--object={self.app}", f"--probe={self.probe}"]
        command += [f"--out-btf={self.out}", f"--out-faults={self.faults}"]
        return main([*command, f"--bpftool={self.bpftool}", *more, str(self.kernel)])

    def found(self) -> dict[str, list[str]]:
        assert self.run() == 0
        table: dict[str, list[str]] = json.loads(self.faults.read_text())
        return table


@pytest.fixture
def step(made: Path, tmp_path: Path) -> Step:
    return Step(made, tmp_path)


def test_btf_is_what_the_probe_and_the_app_need_of_the_kernels(step: Step) -> None:
    assert step.found() == FAULTLESS
    expected = relocate([step.probe, step.app], step.kernel.read_bytes(), "")[1]
    assert step.out.read_bytes() == expected
    assert b"\0pid\0" in expected  # which only the probe reads
    assert b"\0tgid\0" in expected


def test_fields_that_the_kernel_lacks_are_written_except_the_probes(
    step: Step, tmp_path: Path
) -> None:
    code = APP.replace("MORE", "out = task->none + task->flags")
    step.app = bpf_objects.compiled(tmp_path, "app", code)
    lacking = PROBE.replace("pid", "nothing_has_this")
    step.probe = bpf_objects.compiled(tmp_path, "probe", lacking)
    assert step.found()["missing"] == ["task_struct.flags", "task_struct.none"]


def test_app_without_relocations_needs_neither_kernel_nor_bpftool(
    step: Step, tmp_path: Path
) -> None:
    step.app = bpf_objects.compiled(tmp_path, "app", 'SEC("tp/x") int f(void *c) { return 0; }')
    step.kernel, step.bpftool = Path("5.10.1-none.btf"), "/no/bpftool"
    assert step.found() == FAULTLESS
    assert step.out.read_bytes() == b""


def test_known_defects_of_a_hubs_file_are_written(step: Step, tmp_path: Path) -> None:
    packed, file = hubs.real("a12-5.10-2022-05")
    step.kernel = tmp_path / "a12-5.10-2022-05.btf"
    step.kernel.write_bytes(archive.unpack(packed)[1])
    step.app = bpf_objects.compiled(tmp_path, "app", APP.replace("MORE", "out = task->flags"))
    assert step.run("--sha256", file.btf_sha256) == 0
    found = json.loads(step.faults.read_text())
    assert found == {"missing": [], "unreliable": ["task_struct.flags"]}


def test_other_bytes_than_pinned_are_refused(
    step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step.run("--sha256", "0" * 64) == 2
    assert capsys.readouterr().err == (
        f"error: {step.kernel} is not the BTF that is pinned\n"
        "hint: remove it and build again: the build unpacks it from the pinned archive\n"
    )
    assert not step.out.exists()


def test_what_is_pinned_is_not_checked_again_and_what_is_not_is(
    step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step.kernel = small_kernels.kernel(tmp_path, "5.10.108-x86", arch="x86_64")
    assert step.run("--sha256", hashlib.sha256(step.kernel.read_bytes()).hexdigest()) == 0
    assert step.run() == 2
    assert capsys.readouterr().err == (
        f"error: {step.kernel}: BTF: it is of a kernel for x86_64, not for arm64\n"
        "hint: take the BTF of the right kernel\n"
    )


def test_packed_btf_gives_the_same(step: Step, tmp_path: Path) -> None:
    step.found()
    raw = step.out.read_bytes()
    packed = tmp_path / "5.10.107-mine-arm64.btf.tar.xz"
    packed.write_bytes(archive.pack("5.10.107-mine.btf", step.kernel.read_bytes()))
    step.kernel = packed
    step.found()
    assert step.out.read_bytes() == raw


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (["5.10.1-other.btf"], "--out-btf, --out-faults and --sha256 are for one kernel"),
        (["--out", "folder"], "--out-btf, --out-faults and --sha256 are for one kernel"),
    ],
)
def test_options_for_one_kernel_are_refused_for_several(
    step: Step, capsys: pytest.CaptureFixture[str], more: list[str], error: str
) -> None:
    assert step.run(*more) == 2
    assert capsys.readouterr().err.startswith(f"error: {error}\n")


def test_unsound_object_is_an_error(
    step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step.app = tmp_path / "none.bpf.o"
    step.app.write_text("no object")
    assert step.run() == 2
    error = "error: none.bpf.o is not a sound BPF object: it is not an ELF file for BPF\n"
    assert capsys.readouterr().err == error
