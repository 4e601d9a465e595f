"""The compiler of the ziglang package: static musl programs, BPF objects, nothing else needed.

zig compiles its musl when a target is first linked, and the path of its library folder gets into
the debug information and so into every build-id: a link below build/ gives it one path everywhere.
BPF objects get the headers of zig's musl: the machine may have none.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from base.errors import DroidbpfError
from base.files import sha256, temporary
from base.settings import Settings
from toolchains import separate
from toolchains.model import Request, SetUp, Toolchain
from toolchains.probe import Probes

VERSION = "0.14"  # its patch release: requirements-zig.in
LIBRARY = "build/zig/lib"
OBJECTS = "build/zig/cache"  # where zig keeps a second copy of each object
READY = "build/zig/ready"
# arch: (machine in targets, that of the kernel's headers, flags of every link).
ARCH_TABLE = {
    "arm64": ("aarch64", "aarch64", ("-Wl,-z,max-page-size=16384",)),
    "x86_64": ("x86_64", "x86", ()),
}
# Those that zig cc would link have absolute paths in their debug information.
BUILTINS = (
    *("-OReleaseFast", "-fstrip", "-fno-builtin", "-ffunction-sections", "-fdata-sections"),
    *("--name", "compiler_rt", f"{LIBRARY}/compiler_rt.zig"),
)
HINT = "install it: pip install -r requirements-zig.lock, or run ./dev --no-root COMMAND…"


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Return zig's toolchain for arch: that of Python's packages, else that of PATH.

    Raises:
        DroidbpfError: there is no zig, or one of another version; names what to install.
    """
    machine, kernel_machine, linkflags = ARCH_TABLE[arch]
    target = f"{machine}-linux-musl"
    headers = ("generic-musl", target, "any-linux-any", f"{kernel_machine}-linux-any")
    packaged = (f"{folder}/ziglang/zig" for folder in sys.path)
    zig = next((p for p in packaged if os.access(p, os.X_OK)), "") or probes.which("zig")
    if not zig:
        raise DroidbpfError("no zig was found, neither among Python's packages nor in PATH", HINT)
    version = probes.ask(zig, "version").strip()
    if not f"{version}.".startswith(f"{VERSION}."):
        raise DroidbpfError(
            f"{zig} is zig {version or 'of an unknown version'}, not {VERSION}", HINT
        )
    cache = str(Settings.from_environment().cache / "zig")
    searched = (f"-idirafter{LIBRARY}/libc/include/{name}" for name in headers)
    return Toolchain(
        name="zig",
        arch=arch,
        triple=target,
        version=f"zig {version}",
        cc=(zig, "cc", "-target", target),
        cxx=(zig, "c++", "-target", target),
        ar=(zig, "ar"),
        objcopy=separate.COMMAND,
        identity=f"{probes.identity(zig)} {sha256(separate.__file__)}",
        libc="musl",
        # As other compilers do: no traps for undefined behaviour at -O0, and asserts at -O2.
        ccflags=("-fno-sanitize=undefined", "-UNDEBUG"),
        linkflags=(*linkflags, "-rtlib=none"),
        dynamic=None,
        environment=(
            ("ZIG_LIB_DIR", LIBRARY),
            ("ZIG_GLOBAL_CACHE_DIR", cache),
            ("ZIG_LOCAL_CACHE_DIR", OBJECTS),
        ),
        set_up=SetUp(READY, f"{_library(zig)} {cache}", "ZIG"),
        builtins=(zig, "build-lib", "-target", target, *BUILTINS),
        bpf_clang=(zig, "clang", "-resource-dir", LIBRARY, "-nostdlibinc", *searched),
    )


def set_up(toolchain: Toolchain, settings: Settings) -> None:
    """Create zig's cache, and the link through which it finds its library folder.

    Raises:
        DroidbpfError: the cache cannot be written; zig itself would report no more than
            AccessDenied, or wait.
    """
    cache = dict(toolchain.environment)["ZIG_GLOBAL_CACHE_DIR"]
    try:
        Path(cache).mkdir(parents=True, exist_ok=True)
        if not os.access(cache, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        hint = "make it writable, or set DROIDBPF_CACHE to another folder"
        raise DroidbpfError(f"cannot write to the cache {cache}: {error.strerror}", hint) from None
    link = Path(temporary(LIBRARY))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(_library(toolchain.cc[0]))
    link.replace(LIBRARY)


def _library(zig: str) -> str:
    """Return zig's library folder: beside it in an archive or wheel, else as distributions do it.

    Raises:
        DroidbpfError: there is none.
    """
    folder = os.path.dirname(os.path.realpath(zig))  # noqa: PTH120 - no pathlib at every start
    for place in (f"{folder}/lib", f"{os.path.dirname(folder)}/lib/zig"):  # noqa: PTH120
        if os.access(f"{place}/libc/musl", os.F_OK):
            return place
    raise DroidbpfError(f"{zig} has no folder lib beside it", HINT)
