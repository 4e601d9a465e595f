"""What makes BPF objects and their skeletons: clang with the BPF target, and bpftool."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from base.errors import DroidbpfError
from toolchains.model import BpfTools, Request, Toolchain
from toolchains.probe import Probes, numbers, script, which

CLANG_OLDEST = (11,)  # BTF of global variables and of static functions, CO-RE builtins
BPFTOOL_OLDEST = (7, 0)  # gen object, min_core_btf, ENUM64
BPFTOOL_HINT = (
    "install it: apt-get install bpftool (Ubuntu: linux-tools-generic); "
    "or a compiler that builds it: apt-get install gcc libc6-dev, or use ./dev --no-root"
)
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}  # a machine's name: one of ARCHES
HOSTS = ("gnu", "zig")  # modules of toolchains for this machine, the better first
NAMES = ("clang", *(f"clang-{major}" for major in range(11, 41)))
UBUNTU_FOLDER = "linux-tools"  # of the bpftool of each kernel, below /usr/lib
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # bpftool's home on Debian, often not in the user's PATH
NUMBER = re.compile(r"(?:clang version|bpftool v)\s*([0-9]+(?:\.[0-9]+)*)")


def find(probes: Probes, own: tuple[str, ...] = (), bpftool: str = "auto") -> BpfTools:
    """Return the toolchain's own clang or else the newest that has the BPF target, and bpftool.

    Args:
        own: the words that begin a command of the toolchain's own clang, or ().
        bpftool: auto for the machine's, or one to be built if that will not do; source for one to
            be built.

    Raises:
        DroidbpfError: one is missing or too old; names what was found and what to install.
    """
    clang, clang_version = _own(probes, own) or newest_clang(probes)
    path, version, fault = ("", (), "") if bpftool == "source" else _bpftool(probes)
    return BpfTools(
        clang,
        path,
        clang_version,
        version,
        probes.identity(clang[0]),
        probes.identity(path) if path else "",  # one that is built is a node, known by its content
        host=None if path else _host(probes, fault),
    )


def _host(probes: Probes, fault: str) -> Toolchain:
    """Return a toolchain for this machine that builds bpftool.

    Args:
        fault: why there must be one; "" if the user asks for it.
    """
    machine = platform.machine()
    for name in HOSTS:
        with contextlib.suppress(DroidbpfError, KeyError):  # none, or not for such a machine
            module = importlib.import_module(f"toolchains.{name}")
            found: Toolchain = module.find(MACHINES.get(machine, machine), probes, Request())
            return found
    message = "bpftool cannot be built from source: this machine has no compiler for itself"
    hint = "install it: apt-get install gcc libc6-dev, or use ./dev --no-root"
    raise DroidbpfError(fault or message, BPFTOOL_HINT if fault else hint)


def _own(probes: Probes, clang: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    version = _version(probes.version(*clang)) if clang else ()
    return (clang, version) if version >= CLANG_OLDEST and _has_bpf(probes, clang) else None


def _has_bpf(probes: Probes, clang: tuple[str, ...]) -> bool:
    return re.search(r"^\s*bpf\b", probes.ask(*clang, "--print-targets"), re.M) is not None


def newest_clang(probes: Probes) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the newest clang of the machine with the BPF target: its words and its version.

    Raises:
        DroidbpfError: there is none; names what to install.
    """
    hint = "install it: apt-get install clang-19 (or any clang from 11 on)"
    each = _each(NAMES, probes.path)
    found = sorted(((_version(probes.version(path)), path) for path in each), reverse=True)
    if not found:
        raise DroidbpfError("no clang was found to compile BPF objects", hint)
    version, path = found[0]
    if version < CLANG_OLDEST:
        message = f"{path} is clang {_text(version)}, too old for CO-RE BPF objects"
        raise DroidbpfError(message, hint)
    for version, path in found:
        if version >= CLANG_OLDEST and _has_bpf(probes, (path,)):
            return (path,), version
    raise DroidbpfError(f"{found[0][1]} is a clang without the BPF target", hint)


def _bpftool(probes: Probes) -> tuple[str, tuple[int, ...], str]:
    """Return the path and version of a bpftool that is new enough; else the fault of the newest."""
    best: tuple[tuple[int, ...], str] = ((), "")
    for path in _bpftools(probes.path):
        version = _version(probes.ask(path, "version"))
        if version >= BPFTOOL_OLDEST:
            return path, version, ""
        best = max(best, (version, path))
    if not best[1]:
        return "", (), "no bpftool was found to make skeletons"
    fault = f"bpftool {_text(best[0])}, too old" if best[0] else "a bpftool that does not run"
    return "", (), f"{best[1]} is {fault}; 7.0 or newer is needed"


def _bpftools(path: str) -> Iterator[str]:
    """Yield each bpftool.

    On Ubuntu the one in PATH is a script that runs the running kernel's, whatever that is today:
    it is passed over for the programs themselves, the newest first.
    """
    for program in _each(("bpftool",), f"{path}{os.pathsep}{SBIN}"):
        if UBUNTU_FOLDER.encode() not in script(program):
            yield program
    for folder in ("/usr/lib/linux-tools", "/usr/lib"):
        for pattern in ("linux-tools-*/bpftool", "*-generic/bpftool"):
            yield from sorted(map(str, Path(folder).glob(pattern)), key=numbers, reverse=True)


def _each(names: tuple[str, ...], path: str) -> Iterator[str]:
    for folder in dict.fromkeys(path.split(os.pathsep)):
        for name in names:
            if found := which(name, folder):
                yield found


def _version(text: str) -> tuple[int, ...]:
    match = NUMBER.search(text)
    return tuple(map(int, match[1].split("."))) if match else ()


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"
