"""What a compiler reports that it read is recorded, and a change of it is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

import inputs
import versions

ODD = ["plain.h", "two words.h", "hash#mark.h", "dollar$sign.h", "colon: x.h", "umlaut-ä.h"]
COMPILERS = [name for name in ("gcc", "clang", "clang-19") if shutil.which(name)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(versions, "_stamps", {})
    monkeypatch.setattr(inputs, "_known", {})
    inputs.load.cache_clear()
    return tmp_path


def compile_with(compiler: str, headers: Sequence[str]) -> str:
    """Compile a source that includes the headers; return the path of the report."""
    for header in headers:
        Path(header).write_text("extern int x;\n")
    Path("a.c").write_text("".join(f'#include "{header}"\n' for header in headers))
    command = [compiler, "-c", "a.c", "-o", "a.o.tmp", "-MD", "-MF", "a.o.tmp.d"]
    subprocess.run(command, check=True)
    return "a.o.tmp.d"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_name_is_read_from_the_report(compiler: str) -> None:
    report = Path(compile_with(compiler, ODD)).read_text()
    names = [name for name in inputs.parse(report) if not Path(name).is_absolute()]
    assert names == sorted([*ODD, "a.c"])


def test_only_the_first_rule_is_read() -> None:
    assert inputs.parse("a.o: a.c \\\n a.h\n\na.h:\n\nb.h:\n") == ["a.c", "a.h"]


@pytest.mark.parametrize("report", ["", "\n", "a.o:\n", "no rule"])
def test_a_report_without_a_rule_names_nothing(report: str) -> None:
    assert inputs.parse(report) == []


def target(path: str = "a.o") -> SimpleNamespace:
    class Node(SimpleNamespace):
        def __str__(self) -> str:
            return path

    return Node(attributes=SimpleNamespace(reported=True))


def began() -> int:
    """Return a time after all that was written so far."""
    time.sleep(0.02)
    return inputs.now_ns()


def test_a_target_is_current_while_all_that_was_read_is_the_same() -> None:
    compile_with("gcc", ["a.h", "b.h"])
    start = began()
    subprocess.run(["gcc", "-c", "a.c", "-o", "a.o.tmp", "-MD", "-MF", "a.o.tmp.d"], check=True)
    inputs.record("a.o", "a.o.tmp.d", start, "apps")
    assert not inputs.outdated(target())
    assert not Path("a.o.tmp.d").exists()
    versions._stamps.clear()
    os.utime("b.h", ns=(1, 1))
    assert not inputs.outdated(target()), "a touched file"
    versions._stamps.clear()
    Path("b.h").write_text("extern int y;\n")
    assert inputs.outdated(target()), "a file of the same size"
    versions._stamps.clear()
    Path("b.h").unlink()
    assert inputs.outdated(target()), "a missing file"


def test_a_file_that_was_written_to_while_the_compiler_ran_is_not_trusted() -> None:
    start = inputs.now_ns()
    inputs.record("a.o", compile_with("gcc", ["a.h"]), start, "apps")
    assert inputs.outdated(target())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a.h": 1}', '{"a.h": [1]}', "\xff"])
def test_a_target_with_a_damaged_record_is_outdated(content: str) -> None:
    Path("a.o.inputs").write_text(content, "latin-1")
    assert inputs.outdated(target())


def test_a_target_whose_step_records_nothing_is_not() -> None:
    assert not inputs.outdated(SimpleNamespace(attributes=SimpleNamespace()))
