"""Programs written for glibc, built with musl and no word of theirs, print what glibc's do."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from checkout import APPS, ROOT, Tree, check_out
from musl_packages import skip_without_musl

PROGRAMS = ROOT / "tests/unit/toolchains"  # compat_<name>.c
NAMES = ("argp", "error", "obstack")


@pytest.fixture(scope="module")
def musl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A tree whose apps are these programs, built for this machine with musl."""
    folder = tmp_path_factory.mktemp("musl")
    if platform.machine() != "x86_64" or not shutil.which("gcc"):
        pytest.skip("programs of x86_64 do not run here, or there is no gcc to compare them with")
    skip_without_musl(folder / "probes.json", "x86_64")
    tree = replace(check_out(folder / "tree"), arch="x86_64")
    for name in NAMES:
        app = tree.path / "others" / name
        shutil.copytree(APPS / "hello", app)
        (app / "hello.bpf.c").rename(app / f"{name}.bpf.c")
        (app / "hello.c").unlink()
        shutil.copy(PROGRAMS / f"compat_{name}.c", app / f"{name}.c")
    scons(tree)
    yield tree
    shutil.rmtree(tree.path)


def scons(tree: Tree, *args: str) -> list[str]:
    """Build the programs; give the C files that were compiled."""
    commands = tree.scons("toolchain=musl", "apps_dir=others", *args).commands
    words = (word for command in commands if "-c" in command for word in command)
    return sorted(word for word in words if word.endswith(".c"))


def run(program: Path, argument: str) -> tuple[int, str, str]:
    done = subprocess.run(
        ["./app", *argument.split()], executable=program, capture_output=True, text=True, timeout=20
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        *(("argp", argument) for argument in ("--help", "--usage", "-V", "--nope", "--v", "-p")),
        *(("argp", argument) for argument in ("a -v b", "--child 3 -Z", "--fail=failure", "a b c")),
        *(("error", argument) for argument in ("", "0", "3")),
        ("obstack", ""),
    ],
)
def test_program_of_musl_prints_what_that_of_glibc_does(
    musl: Tree, tmp_path: Path, name: str, argument: str
) -> None:
    source = PROGRAMS / f"compat_{name}.c"
    subprocess.run(["gcc", "-std=gnu11", "-o", tmp_path / "glibc", source], check=True)
    program = musl.build / "x86_64-musl/apps" / name / name
    assert run(program, argument) == run(tmp_path / "glibc", argument)


def test_changed_header_of_ours_recompiles_what_includes_it(musl: Tree) -> None:
    assert scons(musl) == []
    musl.append("toolchains/compat/musl/error.h", "/* changed */\n")
    assert scons(musl) == ["others/error/error.c", "toolchains/compat/musl/error.c"]
    musl.append("toolchains/compat/common/obstack.h", "/* changed */\n")
    assert scons(musl) == ["others/obstack/obstack.c"]


def test_programs_of_glibc_keep_its_own(template: Tree) -> None:
    made = [*template.build.glob("third_party/*"), *template.variant.glob("*/*")]
    assert [path.name for path in made if "gnulib" in path.name or "compat" in path.name] == []
