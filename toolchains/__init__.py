"""Toolchains: one module each; here one is picked."""

from __future__ import annotations

import contextlib
import importlib
import os

from base.errors import DroidbpfError
from toolchains import gnu
from toolchains.model import ARCHES, BpfTools, Request, Toolchain
from toolchains.probe import Probes

__all__ = [
    "ARCHES",
    "NAMES",
    "BpfTools",
    "Probes",
    "Request",
    "Toolchain",
    "pick",
    "remember",
    "verify",
]

NAMES = ("auto", "gnu", "ndk", "musl", "zig")
NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT")  # ANDROID_HOME alone asks for none


def pick(name: str, arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give the toolchain called name for arch.

    auto takes the NDK where one is given, else gnu, else musl or zig, whichever is there; else it
    fetches what musl lacks.

    Raises:
        DroidbpfError: it is not here, or not whole; names what to install.
    """
    if name == "auto" and (request.ndk or any(map(os.environ.get, NDK_VARIABLES))):
        name = "ndk"
    for option in ("ndk", "api"):
        if name != "ndk" and (value := getattr(request, option)):
            hint = "leave it out, or ask for toolchain=ndk"
            raise DroidbpfError(f"{option}={value} is for an Android NDK alone", hint)
    if name != "auto":
        return _find(name, arch, probes, request)
    try:
        return _find("gnu", arch, probes, request)
    except DroidbpfError as error:
        if gnu.program("gcc", arch, probes):
            raise  # what is broken is told, and not replaced
        for fetch in sorted({False, request.fetch}):  # nothing is fetched where anything is there
            with contextlib.suppress(DroidbpfError):
                return _find("musl", arch, probes, request._replace(fetch=fetch))
        hint = f"{error.hint}; or, where Python is all there is: ./dev --no-root scons …"
        raise DroidbpfError(error.message, hint) from None


def verify(toolchain: Toolchain, *, offline: bool) -> None:
    """Make sure of the files that a toolchain keeps in the cache, which is mended if need be.

    It takes too long for a start that has nothing to do: it is for the moment before the first use.

    Args:
        offline: nothing may be downloaded for it.

    Raises:
        DroidbpfError: they are damaged, and cannot be mended.
    """
    module = importlib.import_module(f"toolchains.{toolchain.name}")
    if hasattr(module, "verify"):
        module.verify(toolchain, offline=offline)


def remember(toolchain: Toolchain) -> None:
    """Let a toolchain note, after a link, what verify() is to find the next time."""
    module = importlib.import_module(f"toolchains.{toolchain.name}")
    if hasattr(module, "remember"):
        module.remember(toolchain)


def _find(name: str, arch: str, probes: Probes, request: Request) -> Toolchain:
    """Ask a toolchain's module: the others are not imported at this start."""
    module = importlib.import_module(f"toolchains.{name}")
    found: Toolchain = module.find(arch, probes, request)
    return found
