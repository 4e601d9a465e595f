"""The distribution's GNU toolchain: a cross gcc, or the host's own for its own machine."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from base.errors import DroidbpfError
from toolchains import headers
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
# Programs that gcc and g++ run.
CC_PARTS = ("cc1", "as", "ld")
CXX_PARTS = ("cc1plus",)


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Return the GNU toolchain for arch.

    Raises:
        DroidbpfError: a program or the static libc is missing; names what to install.
    """
    triple, packages, linkflags = ARCH_TABLE[arch]
    hint = f"install it: apt-get install {packages}"
    found = {}
    for name in PROGRAMS:
        found[name] = program(name, arch, probes)
        if not found[name]:
            raise DroidbpfError(f"the gnu toolchain for {arch} lacks {triple}-{name}", hint)
    cc, cxx = found["gcc"], program("g++", arch, probes)
    libc = probes.locate(cc, "-print-file-name=libc.a")
    if not libc:
        raise DroidbpfError(f"the gnu toolchain for {arch} lacks a static libc (libc.a)", hint)
    of_libc = headers.find((cc,), probes)
    programs = probes.identity(*found.values(), *_parts(cc, CC_PARTS, probes))
    return Toolchain(
        name="gnu",
        arch=arch,
        triple=triple,
        version=probes.version(cc),
        cc=(cc,),
        cxx=(cxx,) if cxx else (),
        ar=(found["ar"],),
        objcopy=(found["objcopy"],),
        identity=f"{programs} {identity(libc)} {of_libc.identity}",
        cxx_identity=_cxx_identity(cxx, probes) if cxx else "",
        linkflags=linkflags,
        headers=of_libc,
    )


def program(name: str, arch: str, probes: Probes) -> str:
    """Return the path of a program of the toolchain for arch, such as gcc, or ""."""
    triple = ARCH_TABLE[arch][0]
    native = platform.machine() == triple.split("-", maxsplit=1)[0]
    return probes.which(f"{triple}-{name}") or (probes.which(name) if native else "")


def _parts(driver: str, names: Iterable[str], probes: Probes) -> Iterable[str]:
    """Yield the paths of the programs that a compiler driver runs."""
    for name in names:
        question = f"-print-prog-name={name}"
        path = probes.ask(driver, question).strip()
        path = probes.locate(driver, question) if "/" in path else probes.which(path)
        if path:
            yield path


def _cxx_identity(cxx: str, probes: Probes) -> str:
    library = probes.locate(cxx, "-print-file-name=libstdc++.a")
    known = [identity(library)] if library else []
    return " ".join((probes.identity(cxx, *_parts(cxx, CXX_PARTS, probes)), *known))
