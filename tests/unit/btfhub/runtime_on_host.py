"""Builds what of btfhub/runtime needs no kernel for this machine, with sanitizers."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("release.c", "embedded.c", "assemble.c")
# Real ones, as phones tell them.
RELEASES = (
    "5.10.43-android12-9-00007-g9771767708df-ab8009062",
    "5.10.198-android12-9-00019-g6efebf1322d6-ab11471183",
    "5.10.198-android13-4-00050-g12f3388846c3-ab11920634",
    "5.10.168-android12-9-00001-g81e7418c6466-ab10412345",
    "5.10.43-android12-6-00231-g54e7412d4ff9-ab7460289",
    "5.10.35-android12-4-00865-gd5d0c2d4-ab7438766",
    "5.10.102-android13-0-00549-g255b30f804ac-ab8238117",
    "6.1.134-android14-11-o-g0123456",
    "5.10.252-gki-xaga/f388d74f",
    "5.10.107",
    "4.19.157-perf-g42d3aa9d4b5f",
    "4.9.270-g862f51bac900-ab7613625",
    "5.10.66-rockchip-gf9d1b1529",
)


def build_driver(folder: Path) -> Path:
    """Return the program compiled from btfhub_runtime.c; the test skips if that fails."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    if subprocess.run(["gcc", "-E", "-x", "c", "-"], input=b"#include <zlib.h>\n",
                      capture_output=True).returncode:  # fmt: skip
        pytest.skip("the headers of zlib are not installed")
    program = folder / "runtime"
    runtime = ROOT / "btfhub/runtime"
    command = ["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    command += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{runtime}"]
    sources = [ROOT / "tests/unit/btfhub/btfhub_runtime.c", *(runtime / name for name in SOURCES)]
    subprocess.run([*command, *sources, "-o", program, "-lz"], check=True)
    return program
