"""An Android NDK, r23 or newer: programs for bionic by its own clang, lld and LLVM tools.

Its layout, and the flags that its clang does not set by itself, are described in the NDK's own
docs/BuildSystemMaintainers.md.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError
from toolchains import NDK_VARIABLES, headers
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes, identity, numbers, which

OLDEST = 23
OLDEST_API = 24  # libbpf and argp call fmemopen(), of 23, and strchrnul(), of 24
DEFAULT_API = 31
TRIPLES = {"arm64": "aarch64-linux-android", "x86_64": "x86_64-linux-android"}
REVISION = r"^Pkg\.Revision[ \t]*=[ \t]*((\d+)\.(\d+)\.\d+(-\S+)?)(?!\S)"
PREBUILT = "toolchains/llvm/prebuilt/linux-x86_64"  # the only one of NDKs for Linux until r30
PREBUILT_ARM64 = "toolchains/llvm/prebuilt/linux-arm64"  # also of NDKs that others have built
PROGRAMS = ("clang", "clang++", "llvm-ar", "llvm-objcopy", "ld.lld")
# C is never unwound, and debuggers have .debug_frame; what C++ throws through keeps its tables.
SMALL = ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
INSTALL = 'install one: sdkmanager "ndk;27.2.12479018"'
NAME_ONE = f"{INSTALL}, name one: ndk=PATH, or take toolchain=gnu"


class Ndk(NamedTuple):
    """An NDK: its folder, its name such as r27c, its revision such as 27.2.12479018."""

    folder: Path
    name: str
    revision: str

    def broken(self, message: str) -> DroidbpfError:
        """Return the error of an incomplete NDK."""
        package = f"ndk;{self.revision.partition('-')[0]}"
        hint = f'install it again: sdkmanager "{package}", or name another: ndk=PATH'
        return DroidbpfError(f"NDK {self.name} in {self.folder} {message}", hint)


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Return the NDK's toolchain for arch.

    Raises:
        DroidbpfError: there is no NDK, it is too old or incomplete, or it lacks the API level.
    """
    ndk = _read(_folder(request.ndk))
    prebuilt = _prebuilt(ndk)
    programs = _programs(ndk, prebuilt)
    clang = programs["clang"]
    clang_version = probes.version(clang)
    if not clang_version:
        message = f"{clang} does not run on this machine ({platform.machine()})"
        raise DroidbpfError(
            message, "NDKs are for x86_64 Linux; others: toolchain=gnu, musl or zig"
        )
    libraries = ndk.folder / prebuilt / "sysroot/usr/lib" / TRIPLES[arch]
    if not (libc := libraries / "libc.a").is_file():
        raise ndk.broken(f"lacks {libc.relative_to(ndk.folder)}")
    level, newest = _level(request.api, ndk, libraries, arch)
    target, static_target = (f"--target={TRIPLES[arch]}{of}" for of in (level, newest))
    files = (identity(str(path)) for path in (ndk.folder / "source.properties", libc))
    return Toolchain(
        name="ndk",
        arch=arch,
        triple=TRIPLES[arch],
        version=f"{ndk.name} ({ndk.revision}), API {level}, {clang_version}",
        cc=(clang, target),
        cxx=(programs["clang++"], target),
        ar=(programs["llvm-ar"],),
        objcopy=(programs["llvm-objcopy"],),
        identity=" ".join((target, probes.identity(*programs.values()), *files)),
        libc="bionic",
        # Phones with Android 15 and newer may have pages of 16 kB: PAGE_SIZE is no constant there,
        # but NDKs before r28 define it. Without the prefix map the NDK's path gets into build-ids.
        ccflags=(
            f"-ffile-prefix-map={ndk.folder}=ndk",
            "-D__BIONIC_NO_PAGE_SIZE_MACRO",
            *SMALL,
        ),
        linkflags=("-fuse-ld=lld", "-Wl,-z,max-page-size=16384"),
        # libc.a belongs to the newest level, and needs start files of the same: for arm64 and
        # levels below 29, crtbegin_static.o does not align the TLS segment as bionic demands.
        static=("-static", static_target),
        # Phones lack the C++ library: it goes into the program. For C, the flag has no effect.
        dynamic=("-pie", "-static-libstdc++", "-Qunused-arguments"),
        headers=headers.find((clang, target), probes),
        bpf_clang=(clang,),
    )


def _folder(asked: str) -> tuple[str, str]:
    """Return what names the NDK, and its path: the option, the environment, or the SDK's newest."""
    if asked:
        return "ndk", asked
    for variable in NDK_VARIABLES:
        if value := os.environ.get(variable):
            return variable, value
    if sdk := os.environ.get("ANDROID_HOME"):
        found = [path.parent for path in Path(sdk, "ndk").glob("*/source.properties")]
        if found:
            return "ANDROID_HOME", str(max(found, key=lambda folder: numbers(folder.name)))
    places = ", ".join(("ndk=", *NDK_VARIABLES, "ANDROID_HOME/ndk"))
    raise DroidbpfError(f"no Android NDK was found: not by {places}", NAME_ONE)


def _read(named: tuple[str, str]) -> Ndk:
    """Read the description that an NDK has of itself.

    Args:
        named: as _folder() returns it.
    """
    origin = "=".join(named)
    # clang names its headers by the real path; pathlib raises where a link has no end.
    folder = Path(os.path.realpath(os.path.expanduser(named[1])))  # noqa: PTH111
    try:
        text = (folder / "source.properties").read_text(errors="replace")
    except OSError:
        hint = f"an NDK's folder holds source.properties and toolchains; {INSTALL}"
        raise DroidbpfError(f"{origin} is no NDK: it has no source.properties", hint) from None
    revision = re.search(REVISION, text, re.MULTILINE)
    if not revision:
        fault = "its source.properties has no Pkg.Revision like 27.2.12479018"
        raise DroidbpfError(f"{origin} is no NDK: {fault}", NAME_ONE)
    major, minor = int(revision[2]), int(revision[3])
    letter = chr(ord("a") + minor) if 0 < minor < 26 else ""
    name = f"r{major}{letter}{revision[4] or ''}"
    if major < OLDEST:
        reason = f"before r{OLDEST} its clang links with libgcc and GNU tools"
        raise DroidbpfError(f"NDK {name} in {folder} is too old: {reason}", NAME_ONE)
    return Ndk(folder, name, revision[1])


def _prebuilt(ndk: Ndk) -> str:
    """Return the folder of the programs for this machine and of everything that they use."""
    if platform.machine() == "aarch64" and (ndk.folder / PREBUILT_ARM64).is_dir():
        return PREBUILT_ARM64
    if not (ndk.folder / PREBUILT).is_dir():
        hosts = sorted(path.name for path in (ndk.folder / PREBUILT).parent.glob("*"))
        there = f" (there is {', '.join(hosts)})" if hosts else ""
        message = f"NDK {ndk.name} in {ndk.folder} is not for Linux: it has no {PREBUILT}{there}"
        raise DroidbpfError(message, NAME_ONE)
    return PREBUILT


def _programs(ndk: Ndk, prebuilt: str) -> dict[str, str]:
    """Return the paths of the NDK's programs by their names."""
    found = {name: which(name, f"{ndk.folder}/{prebuilt}/bin") for name in PROGRAMS}
    for name, path in found.items():
        if not path:
            raise ndk.broken(f"lacks {prebuilt}/bin/{name}")
    return found


def _level(asked: str, ndk: Ndk, libraries: Path, arch: str) -> tuple[int, int]:
    """Return the API level of the libraries to link with, and the newest of them.

    A level that added no functions has no folder, and means the next lower one.

    Args:
        asked: the level in digits, or "".
        libraries: the folder that has one for each level.
    """
    levels = sorted(int(path.name) for path in libraries.iterdir() if path.name.isdecimal())
    if not levels:
        raise ndk.broken(f"has no API level in {libraries.relative_to(ndk.folder)}")
    oldest, newest = max(levels[0], OLDEST_API), levels[-1]
    if asked and not re.fullmatch("[0-9]{1,9}", asked):
        hint = f"NDK {ndk.name} has {oldest} to {newest} for {arch}"
        raise DroidbpfError(f"api={asked} is no API level, which is a number", hint)
    level = int(asked or min(DEFAULT_API, newest))
    if not oldest <= level <= newest:
        message = (
            f"api={level} is none of NDK {ndk.name}, which has {oldest} to {newest} for {arch}"
        )
        newer = ', or take a newer NDK: sdkmanager "ndk;…"' if level > newest else ""
        raise DroidbpfError(message, f"give api={oldest} to api={newest}{newer}")
    return max(known for known in levels if known <= level), newest
