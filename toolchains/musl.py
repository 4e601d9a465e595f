"""Static musl programs by the distribution's clang, else by zig.

The sysroot is made of three pinned packages of the distribution, so that every machine links the
same bytes; a musl-dev that is installed is another version each time, and is not used. None of the
packages has a libc++: C++ needs zig.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from base.errors import DroidbpfError
from base.files import sha256
from base.settings import Settings
from toolchains import bpf, separate, zig
from toolchains.model import Headers, Request, SetUp, Toolchain
from toolchains.probe import Probes

# arch: (machine in triples, LLVM's name of the target, the distribution's, flags of every link).
ARCH_TABLE = {
    "arm64": ("aarch64", "aarch64", "arm64", ("-Wl,-z,max-page-size=16384",)),
    "x86_64": ("x86_64", "x86-64", "amd64", ()),
}
PINS = Path(__file__).with_name("musl.toml")
# Programs are static, and of C alone, which is never unwound: debuggers have .debug_frame.
CCFLAGS = ("-fno-pic", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
STARTUP = ("crtbegin.o", "crtbeginT.o", "crtend.o", "libgcc.a", "libgcc_eh.a")


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Return a musl toolchain for arch.

    Raises:
        DroidbpfError: a program is missing, and there is no zig; names what to install.
    """
    try:
        clang, linker, archiver = _programs(arch, probes)
    except DroidbpfError as error:
        try:
            return zig.find(arch, probes, request)
        except DroidbpfError as other:
            hint = f"{error.hint}; or, without the distribution's packages, {other.hint}"
            raise DroidbpfError(error.message, hint) from None
    machine, _, _, linkflags = ARCH_TABLE[arch]
    triple = f"{machine}-linux-musl"
    sysroot = _sysroot(arch)
    pins = sha256(PINS)
    programs = probes.identity(clang, linker, archiver)
    return Toolchain(
        name="musl",
        arch=arch,
        triple=triple,
        version=probes.version(clang),
        cc=(clang, "-target", triple, f"--sysroot={sysroot}"),
        cxx=(),
        ar=(archiver,),
        objcopy=separate.COMMAND,
        identity=f"{programs} {pins} {sha256(separate.__file__)}",
        libc="musl",
        ccflags=CCFLAGS,
        linkflags=(f"--ld-path={linker}", *linkflags),
        headers=Headers((f"{sysroot}/include",), pins),
        dynamic=None,
        set_up=SetUp(f"{sysroot}/ready", pins, "SYSROOT"),
    )


def set_up(toolchain: Toolchain, settings: Settings) -> None:
    """Obtain the pinned packages, and unpack what is needed of them to the sysroot.

    Raises:
        DroidbpfError: no place has a package, or one is damaged.
        OSError: the sysroot cannot be written.
    """
    from fetch.deb import unpack_deb
    from fetch.download import obtain_packages

    machine, _, package_arch, _ = ARCH_TABLE[toolchain.arch]
    packages = obtain_packages(PINS, package_arch, settings)
    sysroot = Path(_sysroot(toolchain.arch))
    shutil.rmtree(sysroot, ignore_errors=True)
    for package in packages.values():
        files = unpack_deb(package, lambda path: _place(path, machine) != "")
        for path, content in files.items():
            file = sysroot / _place(path, machine)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _sysroot(arch: str) -> str:
    """Return the sysroot's path, the same in every checkout: debug information holds it."""
    return f"build/musl/{arch}"


def _programs(arch: str, probes: Probes) -> list[str]:
    """Return the newest clang that has the target, and a linker and an archiver for it.

    Raises:
        DroidbpfError: one is missing; names what to install.
    """
    machine, target, *_ = ARCH_TABLE[arch]
    (clang,), version = bpf.newest_clang(probes)
    if target not in probes.ask(clang, "--print-targets"):
        raise DroidbpfError(f"{clang} is a clang without the target {target}", "install clang-19")
    native = os.uname().machine == machine
    names = {
        "linker": ("ld.lld-{}", "ld.lld", f"{machine}-linux-gnu-ld", *(("ld",) if native else ())),
        "archiver": ("llvm-ar-{}", "llvm-ar", f"{machine}-linux-gnu-ar", "ar"),
    }
    paths = [clang]
    for what, choices in names.items():
        each = (probes.which(name.format(version[0])) for name in choices)
        if not (path := next(filter(None, each), "")):
            message = f"the musl toolchain for {arch} lacks a {what} ({', '.join(choices[1:])})"
            hint = f"install it: apt-get install lld-{version[0]} llvm-{version[0]}"
            raise DroidbpfError(message, hint)
        paths.append(path)
    return paths


def _place(path: str, machine: str) -> str:
    """Return the place in a sysroot of a file of the packages; "" if it is not needed."""
    folder, _, rest = path.removeprefix("usr/").partition("/")
    first, _, below = rest.partition("/")
    if folder == "include" and below:
        if first == f"{machine}-linux-musl":
            return f"include/{below}"
        return f"include/{below if first == f'{machine}-linux-gnu' else rest}"
    if folder == "lib" and first == f"{machine}-linux-musl" and below.endswith((".a", ".o")):
        return f"lib/{below}"
    if folder == "lib" and first == "gcc" and below.endswith(STARTUP):
        return f"lib/gcc/{machine}-linux-musl/{'/'.join(below.split('/')[1:])}"
    return ""
