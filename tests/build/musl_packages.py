"""What a build for musl needs beside the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from checkout import download_cache

import toolchains
from base.errors import DroidbpfError
from base.settings import Settings
from fetch.download import obtain_packages
from toolchains import musl


def skip_without_musl(store: Path, arch: str) -> None:
    """Skip a test on a machine that has no clang or linker for it, or no way to the packages."""
    try:
        probes = toolchains.Probes(store, os.environ["PATH"])
        found = toolchains.pick("musl", arch, probes, toolchains.Request())
        obtain_packages(musl.PINS, musl.ARCH_TABLE[arch][2], Settings(download_cache()))
    except DroidbpfError as error:
        pytest.skip(f"no musl toolchain: {error.message}")
    if found.name != "musl":
        pytest.skip(f"no clang, or no linker for {arch}, is on this machine")
