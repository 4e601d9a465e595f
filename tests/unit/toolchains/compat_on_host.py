"""Builds programs for this machine, whose glibc has it all: with what it has, and with ours."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import download, pins
from fetch.extract import extract

ROOT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).parent
COMPAT = ROOT / "toolchains/compat"


def build_gnulib(folder: Path) -> list[str]:
    """Return the compiler options that build a program with gnulib's argp and obstack.

    Its script is run with an environment that takes down what it asks for; where the archive is
    not to be had the test skips.
    """
    script = ROOT / "third_party/gnulib/SConscript"
    asked: dict[str, Any] = {}
    env = SimpleNamespace(Append=asked.update, PinnedLibrary=asked.update)
    names = {"env": env, "Import": lambda name: None, "Return": lambda name: None}
    exec(compile(script.read_text(), script, "exec"), names)
    pin = pins.load(ROOT / "third_party/sources.toml")["gnulib"]
    try:
        archive = download.obtain(pin, Settings.from_environment())
    except DroidbpfError as error:
        pytest.skip(f"gnulib is not to be had: {error.message}")
    extract(archive, folder / "tree", only=asked["only"])
    offered = folder / "offered/gnulib"
    offered.mkdir(parents=True)
    for header in asked["headers"]["../compat/gnulib"]:
        shutil.copy(folder / "tree" / header, offered)
    flags = [*asked["CFLAGS"], *asked["CCFLAGS"], *(f"-D{d}" for d in asked["CPPDEFINES"])]
    compile_ = ["gcc", "-c", *flags, *(f"-I{folder}/tree/{i}" for i in asked["include"])]
    objects = [f"{folder / Path(source).stem}.o" for source in asked["sources"]]
    for source, output in zip(asked["sources"], objects, strict=True):
        subprocess.run([*compile_, folder / "tree" / source, "-o", output], cwd=ROOT, check=True)
    subprocess.run(["ar", "rcsD", folder / "libgnulib.a", *objects], check=True)
    return [f"-I{COMPAT}/common", f"-I{folder}/offered", f"{folder}/libgnulib.a"]


def build(program: Path, source: str, *words: str | Path) -> Path:
    """Build a C file of this folder as a program; words end its command."""
    program.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"]
    command += ["-Wno-missing-field-initializers", "-o", str(program)]
    subprocess.run([*command, SOURCES / source, *words], check=True)
    return program


def run(program: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Return status, stdout and stderr of a program run by a name without its folder."""
    done = subprocess.run(
        [f"./{program.name}", *arguments],
        executable=program,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, done.stdout, done.stderr


def symbols(program: Path) -> dict[str, str]:
    """Return the type letters that nm prints for a program's symbols."""
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    words = (line.split()[-2:] for line in names.splitlines())
    return {name.partition("@")[0]: letter for letter, name in words}
