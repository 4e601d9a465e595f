"""Toolchains: one module each; this package picks one and sets it up. Picking only reads."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from base.errors import DroidbpfError
from base.files import write_atomically
from base.settings import Settings
from toolchains import gnu
from toolchains.model import ARCHES, BpfTools, Request, Toolchain
from toolchains.probe import Probes

__all__ = ["ARCHES", "NAMES", "BpfTools", "Probes", "Request", "Toolchain", "pick", "set_up"]

NAMES = ("auto", "gnu", "ndk", "musl", "zig")
NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT")  # ANDROID_HOME alone asks for none


def pick(name: str, arch: str, probes: Probes, request: Request) -> Toolchain:
    """Return the toolchain called name for arch.

    auto is the NDK if one is named, else gnu, else musl, which is zig on a machine without clang.

    Raises:
        DroidbpfError: it is missing or incomplete; names what to install.
    """
    if name == "auto" and (request.ndk or any(map(os.environ.get, NDK_VARIABLES))):
        name = "ndk"
    for option in ("ndk", "api"):
        if name != "ndk" and (value := getattr(request, option)):
            hint = "leave it out, or use toolchain=ndk"
            raise DroidbpfError(f"{option}={value} is for an Android NDK only", hint)
    if name != "auto":
        return _find(name, arch, probes, request)
    try:
        return _find("gnu", arch, probes, request)
    except DroidbpfError as error:
        if gnu.program("gcc", arch, probes):
            raise  # an incomplete gcc is reported, and not replaced
        try:
            return _find("musl", arch, probes, request)
        except DroidbpfError:
            hint = f"{error.hint}; or, with nothing but Python: ./dev --no-root scons …"
            raise DroidbpfError(error.message, hint) from None


def set_up(toolchain: Toolchain, settings: Settings) -> None:
    """Do what toolchain.set_up stands for, and then write its file.

    Raises:
        DroidbpfError: it cannot be done, such as a download.
        OSError: a file below build/ cannot be written.
    """
    if toolchain.set_up:
        _module(toolchain.name).set_up(toolchain, settings)
        write_atomically(toolchain.set_up.file, f"{toolchain.set_up.key}\n")


def _find(name: str, arch: str, probes: Probes, request: Request) -> Toolchain:
    found: Toolchain = _module(name).find(arch, probes, request)
    return found


def _module(name: str) -> ModuleType:
    """Import a toolchain's module; a start imports no other."""
    return importlib.import_module(f"toolchains.{name}")
