"""The benchmark of the BTF gate finds what it is there to find, and says so by its status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as front
from benchmarks import _mutations, btf_gate
from btfhub import btf
from fetch.errors import DroidbpfError

FEW = ["--small", "300", "--kernel", "2", "--archive", "40", "--bpftool", "10"]


def test_few_inputs_of_each_kind_are_tried_in_processes_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert front.main(["btf_gate", *FEW, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["good"]
    counts = {result["kind"]: result["inputs"] for result in report["results"]}
    worst = len(_mutations.WORST)
    assert counts == {"small": 300, "kernel": 2, "archive": 40, "worst": worst}
    assert all(0 < result["slowest"] < 1 for result in report["results"])
    assert all(0 < result["peak"] < 512 << 20 for result in report["results"])


@pytest.fixture
def inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound no address space, since it is the test's own."""
    monkeypatch.setattr(btf_gate.resource, "setrlimit", lambda *_: None)


def tried(tmp_path: Path) -> list[str]:
    return btf_gate.batch("small", 0, 3, tmp_path, 0).faults


@pytest.mark.usefixtures("inputs")
def test_other_exceptions_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(data: bytes) -> int:
        raise MemoryError("much")

    monkeypatch.setattr(btf, "check", check)
    assert tried(tmp_path) == [f"small {number}: MemoryError('much')" for number in range(3)]


@pytest.mark.usefixtures("inputs")
def test_slow_inputs_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(btf_gate, "MAX_SECONDS", 0.0)
    assert len(tried(tmp_path)) == 3


@pytest.mark.usefixtures("inputs")
def test_what_passes_and_cannot_be_read_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def structs(data: bytes, names: object) -> dict[str, btf.Struct]:
        raise KeyError("x")

    def refuse(data: bytes) -> int:
        raise DroidbpfError("no")

    monkeypatch.setattr(btf, "structs", structs)
    monkeypatch.setattr(btf, "check", lambda data: 1)
    monkeypatch.setattr(btf, "types", lambda data: iter(()))
    assert tried(tmp_path)[0] == "small 0: KeyError('x')"
    monkeypatch.setattr(btf, "check", refuse)
    assert tried(tmp_path) == []


def test_a_process_that_dies_is_a_fault(tmp_path: Path) -> None:
    result = btf_gate._process("kernel", 0, 5, tmp_path, 0)
    (fault,) = result.faults
    assert fault.startswith("kernel 0 to 4: status 1, said: IsADirectoryError: ")
    assert btf_gate.shown([result])[-1] == ("5 inputs, 1 faults; each under 1 s and 512 MB")
