"""Toolchains: one module each; here one is picked."""

from __future__ import annotations

from toolchains import gnu
from toolchains.model import ARCHES, BpfTools, Toolchain
from toolchains.probe import Probes

__all__ = ["ARCHES", "NAMES", "BpfTools", "Probes", "Toolchain", "pick"]

FINDERS = {"gnu": gnu.find}
NAMES = ("auto", *FINDERS)


def pick(name: str, arch: str, probes: Probes) -> Toolchain:
    """Give the toolchain called name for arch; auto takes the first of FINDERS.

    Raises:
        DroidbpfError: it is not here, or not whole; names what to install.
    """
    return FINDERS["gnu" if name == "auto" else name](arch, probes)
