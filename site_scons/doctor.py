"""`scons doctor`: the tools that were found, and what is missing."""

from __future__ import annotations

import functools
from collections.abc import Callable

import toolchains
from base.errors import DroidbpfError
from toolchains import Probes, Request, Toolchain, bpf


def main(arch: str, toolchain: str, bpftool: str, probes: Probes, request: Request) -> int:
    """Print the report; return the exit status, 2 where something is missing."""
    lines, complete = report(arch, toolchain, bpftool, probes, request)
    print(lines)
    return 0 if complete else 2


def report(
    arch: str, toolchain: str, bpftool: str, probes: Probes, request: Request
) -> tuple[str, bool]:
    """Return lines about each tool that a build for arch needs, and whether none is missing."""
    pick = functools.cache(lambda: toolchains.pick(toolchain, arch, probes, request))
    parts = [
        ("target compiler", lambda: _toolchain(pick())),
        ("BPF tools", lambda: _bpf(bpf.find(probes, _own_clang(pick), bpftool))),
    ]
    if arch == "arm64":
        parts.append(("virtual machine, for run", _qemu))
    lines = []
    complete = True
    for what, find in parts:
        report, found = _try(find)
        complete &= found
        lines.append(f"{'ok' if found else 'FAIL':4}  {what}: {report}")
    return "\n".join(lines), complete


def _try(find: Callable[[], str]) -> tuple[str, bool]:
    try:
        return find(), True
    except DroidbpfError as error:
        return str(error).removeprefix("error: ").replace("\nhint: ", "\n      "), False


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
