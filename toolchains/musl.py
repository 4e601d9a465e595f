"""Static musl programs: by the distribution's clang and musl-dev, else by zig."""

from __future__ import annotations

from fetch.errors import DroidbpfError
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give a musl toolchain for arch.

    Raises:
        DroidbpfError: there is none.
    """
    raise DroidbpfError(f"the musl toolchain for {arch} was not found")
