"""The compiler of the ziglang package: static musl programs without anything of a distribution."""

from __future__ import annotations

from fetch.errors import DroidbpfError
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give zig's toolchain for arch.

    Raises:
        DroidbpfError: there is no zig.
    """
    raise DroidbpfError(f"the zig toolchain for {arch} was not found")
