"""The distribution's GNU toolchain: a cross gcc, or the host's own for its own machine."""

from __future__ import annotations

import os
import platform

from base.errors import DroidbpfError
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes, identity

# arch: (triple, packages of Debian and Ubuntu that bring it, flags of every link).
# arm64 phones with Android 15 and newer may have pages of 16 kB.
ARCH_TABLE = {
    "arm64": (
        "aarch64-linux-gnu",
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        ("-Wl,-z,max-page-size=16384",),
    ),
    "x86_64": ("x86_64-linux-gnu", "gcc libc6-dev", ()),
}
PROGRAMS = ("gcc", "ar", "objcopy")
# Where a libc's own folder has the kernel's headers, another package than the libc.
KERNEL_HEADERS = ("../include", "../../include")


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give the GNU toolchain for arch.

    Raises:
        DroidbpfError: a program or the static libc is missing; names what to install.
    """
    triple, packages, linkflags = ARCH_TABLE[arch]
    native = _native(triple)
    hint = f"install it: apt-get install {packages}"
    found = {}
    for name in PROGRAMS:
        found[name] = program(name, arch, probes)
        if not found[name]:
            raise DroidbpfError(f"the gnu toolchain for {arch} lacks {triple}-{name}", hint)
    cc = found["gcc"]
    libc = probes.locate(cc, "-print-file-name=libc.a")
    if not libc:
        raise DroidbpfError(f"the gnu toolchain for {arch} lacks a static libc (libc.a)", hint)
    folder = os.path.dirname(libc)  # noqa: PTH120 - no pathlib at every start
    headers = (f"{folder}/{place}/linux/version.h" for place in KERNEL_HEADERS)
    parts = [cc, found["ar"], found["objcopy"], libc, *filter(os.path.exists, headers)]
    for name in ("as", "ld", "cc1"):
        path = probes.ask(cc, f"-print-prog-name={name}").strip()
        parts.append(path if "/" in path else probes.which(path))
    cxx = next(
        (p for n in (f"{triple}-g++", "g++") if (n != "g++" or native) and (p := probes.which(n))),
        "",
    )
    return Toolchain(
        name="gnu",
        arch=arch,
        triple=triple,
        version=probes.ask(cc, "--version").partition("\n")[0],
        cc=(cc,),
        cxx=(cxx,) if cxx else (),
        ar=(found["ar"],),
        objcopy=(found["objcopy"],),
        identity=" ".join(identity(part) for part in parts if part),
        linkflags=linkflags,
    )


def program(name: str, arch: str, probes: Probes) -> str:
    """Give the path of a program of the toolchain for arch, such as gcc, or "" where it is not."""
    triple = ARCH_TABLE[arch][0]
    return probes.which(f"{triple}-{name}") or (probes.which(name) if _native(triple) else "")


def _native(triple: str) -> bool:
    return platform.machine() == triple.split("-", maxsplit=1)[0]
