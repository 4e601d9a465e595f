"""`scons doctor`: the tools that were found, and what is missing."""

from __future__ import annotations

import functools
from collections.abc import Callable

import toolchains
from base.errors import DroidbpfError
from toolchains import Probes, Request, Toolchain, bpf


def main(arch: str, toolchain: str, bpftool: str, probes: Probes, request: Request) -> int:
    """Print a line for each tool that a build needs; return 0, or 2 if one is missing."""
    pick = functools.cache(lambda: toolchains.pick(toolchain, arch, probes, request))
    parts = [
        ("target compiler", lambda: _toolchain(pick())),
        ("BPF tools", lambda: _bpf(bpf.find(probes, _own_clang(pick), bpftool))),
    ]
    if arch == "arm64":
        parts.append(("virtual machine, for run", _qemu))
    status = 0
    for what, find in parts:
        try:
            print(f"ok    {what}: {find()}")
        except DroidbpfError as error:
            reason = str(error).removeprefix("error: ").replace("\nhint: ", "\n      ")
            print(f"FAIL  {what}: {reason}")
            status = 2
    return status


def _own_clang(pick: Callable[[], Toolchain]) -> tuple[str, ...]:
    try:
        return pick().bpf_clang
    except DroidbpfError:  # already reported
        return ()


def _toolchain(found: Toolchain) -> str:
    return f"{found.name} for {found.arch}, {found.version} ({' '.join(found.cc)})"


def _bpf(found: toolchains.BpfTools) -> str:
    clang, bpftool = (".".join(map(str, v)) for v in (found.clang_version, found.bpftool_version))
    clang = f"clang {clang} ({' '.join(found.clang)})"
    if found.host:
        return f"{clang}, bpftool from source (built by {_toolchain(found.host)})"
    return f"{clang}, bpftool {bpftool} ({found.bpftool})"


def _qemu() -> str:
    from vm.qemu import find

    return str(find())
