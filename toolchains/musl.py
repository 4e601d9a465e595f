"""Static musl programs by the distribution's clang, else by zig.

The sysroot is of the distribution, too: what is installed of musl-dev for the target, else three of
its packages, unpacked once into the cache. None of them has a libc++: C++ is zig's.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError
from base.settings import Settings
from toolchains import bpf, separate, zig
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes, identity

# arch: (machine in triples, LLVM's name of the target, the distribution's, flags of every link).
ARCH_TABLE = {
    "arm64": ("aarch64", "aarch64", "arm64", ("-Wl,-z,max-page-size=16384",)),
    "x86_64": ("x86_64", "x86-64", "amd64", ()),
}
SUITES = ("bookworm",)
PACKAGES = ("musl-dev", "linux-libc-dev", "libgcc-12-dev")
# Programs are static, and of C alone, which is never unwound: debuggers have .debug_frame.
CCFLAGS = ("-fno-pic", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
KIND = "musl"  # the folder of the cache
INSTALLED = "installed-"  # begins the names of sysroots that are links to what is installed
ROOT = Path("/")
STARTUP = ("crtbegin.o", "crtbeginT.o", "crtend.o", "libgcc.a", "libgcc_eh.a")
LIBC = ("lib/libc.a", "lib/crt1.o", "lib/crti.o", "lib/crtn.o")


class Programs(NamedTuple):
    """The programs of the distribution that a build needs."""

    clang: str
    linker: str
    ar: str


class Sysroot(NamedTuple):
    """A folder with include and lib, and what a build signature holds of it."""

    folder: Path
    identity: str


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give a musl toolchain for arch; a sysroot that is missing is fetched, if that may be.

    Raises:
        DroidbpfError: there is none; names what to install.
    """
    try:
        programs = _programs(arch, probes)
        sysroot = _installed(arch) or _cached(arch)
        if not sysroot and (request.offline or not request.fetch):
            raise DroidbpfError(
                f"the cache has no sysroot of musl for {arch}",
                f"fetch it once: scons ARCH={arch} toolchain=musl, without offline=1",
            )
    except DroidbpfError as error:
        try:
            return zig.find(arch, probes, request)
        except DroidbpfError as other:
            hint = f"{error.hint}; or, without the distribution's packages, {other.hint}"
            raise DroidbpfError(error.message, hint) from None
    return _toolchain(arch, probes, programs, sysroot or _fetched(arch))


def verify(toolchain: Toolchain, *, offline: bool) -> None:
    """Make sure that a fetched sysroot is as it was unpacked: what is not is unpacked again.

    Raises:
        DroidbpfError: it cannot be, or its packages are newer by now, and so another sysroot.
    """
    from fetch import packages

    folder = Path(toolchain.sysroot)
    if folder.name.startswith(INSTALLED) or packages.intact(folder):
        return
    print(f"warning: {folder} has changed: it is unpacked again", file=sys.stderr)
    if _fetched(toolchain.arch, offline=offline).folder != folder:
        raise DroidbpfError(
            f"{folder} has changed, and its packages are newer now", "run the same command again"
        )


def _toolchain(arch: str, probes: Probes, programs: Programs, sysroot: Sysroot) -> Toolchain:
    machine, _, _, linkflags = ARCH_TABLE[arch]
    triple = f"{machine}-linux-musl"
    return Toolchain(
        name="musl",
        arch=arch,
        triple=triple,
        version=probes.ask(programs.clang, "--version").partition("\n")[0],
        cc=(programs.clang, "-target", triple),
        cxx=(),
        ar=(programs.ar,),
        objcopy=separate.COMMAND,
        identity=" ".join((*map(identity, programs), sysroot.identity, separate.digest())),
        libc="musl",
        ccflags=CCFLAGS,
        linkflags=(f"--ld-path={programs.linker}", *linkflags),
        sysroot=str(sysroot.folder),
        dynamic=None,
    )


def _programs(arch: str, probes: Probes) -> Programs:
    """Give the newest clang that has the target, and a linker and an archiver for it.

    Raises:
        DroidbpfError: one is missing; names what to install.
    """
    machine, target, *_ = ARCH_TABLE[arch]
    found, version = bpf.newest_clang(probes)
    clang = found[0]
    if target not in probes.ask(clang, "--print-targets"):
        raise DroidbpfError(f"{clang} is a clang without the target {target}", "install clang-19")
    native = os.uname().machine == machine
    names = {
        "linker": ("ld.lld-{}", "ld.lld", f"{machine}-linux-gnu-ld", *(("ld",) if native else ())),
        "archiver": ("llvm-ar-{}", "llvm-ar", f"{machine}-linux-gnu-ar", "ar"),
    }
    paths = []
    for what, choices in names.items():
        each = (probes.which(name.format(version[0])) for name in choices)
        if not (path := next(filter(None, each), "")):
            message = f"the musl toolchain for {arch} lacks a {what} ({', '.join(choices[1:])})"
            hint = f"install it: apt-get install lld-{version[0]} llvm-{version[0]}"
            raise DroidbpfError(message, hint)
        paths.append(path)
    return Programs(clang, *paths)


def _cached(arch: str) -> Sysroot | None:
    from fetch import packages

    folder = packages.current(KIND, _name(arch), Settings.from_environment(), LIBC)
    return Sysroot(folder, folder.name) if folder else None


def _fetched(arch: str, *, offline: bool = False) -> Sysroot:
    """Fetch the packages, showing how far it is, and unpack what is needed of them.

    Raises:
        DroidbpfError: the distribution's archive cannot give them, or the cache cannot take them.
    """
    from base.progress import show_progress
    from fetch import cache, packages
    from fetch.deb import unpack_deb

    machine, _, package_arch, _ = ARCH_TABLE[arch]

    def unpack(deb: Path) -> tuple[Mapping[str, bytes], Mapping[str, object]]:
        files = unpack_deb(deb, lambda path: _place(path, machine) != "")
        return {_place(path, machine): content for path, content in files.items()}, {}

    try:
        with show_progress(Settings.from_environment()._replace(offline=offline)) as settings:
            folder = packages.install(
                KIND, _name(arch), lambda _: PACKAGES, SUITES, package_arch, settings, unpack
            )
    except cache.CacheError:
        raise  # zig needs it, too
    except DroidbpfError as error:
        raise DroidbpfError(error.message, f"{error.hint}, or take zig: {zig.HINT}") from None
    return Sysroot(folder, folder.name)


def _name(arch: str) -> str:
    return f"sysroot-{arch}"


def _place(path: str, machine: str) -> str:
    """Give the place in a sysroot of a file of the three packages; "" where it is not needed."""
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


def _installed(arch: str) -> Sysroot | None:
    """Give a sysroot of links to what is installed of musl, the kernel's headers and libgcc."""
    machine = ARCH_TABLE[arch][0]
    libraries = ROOT / f"usr/lib/{machine}-linux-musl"
    if not (libraries / "libc.a").exists():
        return None
    folders = [ROOT / f"usr/{machine}-linux-gnu/include", ROOT / "usr/include"]
    kernel = next((folder for folder in folders if (folder / "linux/version.h").exists()), None)
    places = (f"usr/lib/{gcc}/{machine}-linux-gnu/*/libgcc.a" for gcc in ("gcc-cross", "gcc"))
    gcc = [path.parent for place in places for path in ROOT.glob(place)]
    if not kernel or not gcc:
        return None
    newest = max(gcc, key=lambda folder: int(folder.name) if folder.name.isdigit() else 0)
    asm = next(
        (p for p in (kernel / "asm", kernel / f"{machine}-linux-gnu/asm") if p.exists()), None
    )
    if not asm:
        return None
    parts = (libraries / "libc.a", kernel / "linux/version.h", newest / "libgcc.a")
    known = " ".join(identity(str(part)) for part in parts)
    links = {"include/asm": asm, f"lib/gcc/{machine}-linux-musl/{newest.name}": newest}
    links |= {f"include/{name}": kernel / name for name in ("linux", "asm-generic", "mtd", "rdma")}
    links |= {
        f"include/{path.name}": path
        for path in (ROOT / f"usr/include/{machine}-linux-musl").iterdir()
    }
    links |= {f"lib/{path.name}": path for path in libraries.iterdir()}
    return Sysroot(_linked(links, known), known)


def _linked(links: Mapping[str, Path], known: str) -> Path:
    """Give a folder of the cache that holds these links; it appears when it is whole."""
    from fetch import cache

    settings = Settings.from_environment()
    root = settings.cache / KIND
    folder = root / f"{INSTALLED}{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    with cache.lock(settings.cache, KIND), cache.writing(settings.cache):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as made:
            new = Path(made) / "new"
            for name, target in links.items():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (new / name).symlink_to(target)
            if not folder.exists():
                new.rename(folder)
    return folder
