"""The compiler of the ziglang package: static musl programs, BPF objects, nothing else needed.

zig compiles its musl when a target is first linked, with paths of its library folder in the debug
information, and so in every build-id: it is told a path that is the same everywhere. BPF objects
get the headers of zig's musl: the machine may have none.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shlex
import shutil
import sys
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings
from toolchains import separate
from toolchains.model import Request, Toolchain
from toolchains.probe import Probes, identity

VERSION = "0.14"  # its patch release: requirements-zig.in
LIBRARY = "build/zig/lib"
OBJECTS = "build/zig/cache"  # where zig keeps a second copy of each object
# arch: (target, folders of headers, flags of every link).
ARCH_TABLE = {
    "arm64": (
        "aarch64-linux-musl",
        ("generic-musl", "aarch64-linux-musl", "any-linux-any", "aarch64-linux-any"),
        ("-Wl,-z,max-page-size=16384",),
    ),
    "x86_64": (
        "x86_64-linux-musl",
        ("generic-musl", "x86_64-linux-musl", "any-linux-any", "x86-linux-any"),
        (),
    ),
}
# Those that zig cc would link have absolute paths in their debug information.
BUILTINS = (
    *("-OReleaseFast", "-fstrip", "-fno-builtin", "-ffunction-sections", "-fdata-sections"),
    *("--name", "compiler_rt", f"{LIBRARY}/compiler_rt.zig"),
)
RECORD = "linked.json"  # in zig's cache: size, mtime in ns and sha256 of what zig adds to links
LINKED = ("o/*/*.a", "o/*/crt?.o")
Made = tuple[int, int, str]  # of the record, a file's
MAGIC = (b"\x7fELF", b"!<arch>\n")
HINT = "install it: pip install -r requirements-zig.lock, or run ./dev --no-root COMMAND…"


def find(arch: str, probes: Probes, request: Request) -> Toolchain:
    """Give zig's toolchain for arch: that of Python's packages, else that of PATH.

    Raises:
        DroidbpfError: there is no zig, or of another version; names what to install.
    """
    target, headers, linkflags = ARCH_TABLE[arch]
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
    searched = [
        word for name in headers for word in ("-idirafter", f"{LIBRARY}/libc/include/{name}")
    ]
    return Toolchain(
        name="zig",
        arch=arch,
        triple=target,
        version=f"zig {version}",
        cc=(zig, "cc", "-target", target),
        cxx=(zig, "c++", "-target", target),
        ar=(zig, "ar"),
        objcopy=separate.COMMAND,
        identity=f"{identity(zig)} {separate.digest()}",
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
        links=((LIBRARY, _library(zig)),),
        caches=(cache,),
        builtins=(zig, "build-lib", "-target", target, *BUILTINS),
        bpf_clang=(zig, "clang", "-resource-dir", LIBRARY, "-nostdlibinc", *searched),
    )


def verify(toolchain: Toolchain, *, offline: bool) -> None:
    """Remove what zig would trust and may be damaged: it makes wrong programs of it, or errors.

    That is its cache, where what it adds to links is not as it was made, and, once a build, its
    copies of objects: who asks for an object wants it made.
    """
    _remove_objects()
    cache = Path(*toolchain.caches)
    if not _damaged(cache):
        return
    with _locked(cache):
        if file := _damaged(cache):  # still: another build may have been here first
            told = f"{file} is not as it was made: zig makes its cache anew, which takes a minute"
            print(f"warning: {told}", file=sys.stderr)
            away = cache.with_name(f"{cache.name}.tmp")
            shutil.rmtree(away, ignore_errors=True)  # by who was killed
            cache.rename(away)
            cache.mkdir()
            shutil.rmtree(away, ignore_errors=True)


def _damaged(cache: Path) -> Path | None:
    """Give a file of the record that is not as it was made, if there is one."""
    for name, (size, time, digest) in _recorded(cache)[1].items():
        file = cache / name
        try:
            if _stamp(file) == (size, time) or _digest(file) == digest:
                continue
        except OSError:
            pass
        return file
    return None


def _locked(cache: Path) -> contextlib.AbstractContextManager[None]:
    """Keep the builds of other folders from removing or recording what is in zig's cache."""
    from fetch.cache import lock  # not at every start

    return lock(cache.parent, cache.name)


@functools.cache
def _remove_objects() -> None:
    shutil.rmtree(OBJECTS, ignore_errors=True)


def remember(toolchain: Toolchain) -> None:
    """Record what zig has made to add to links, after one of them.

    Raises:
        DroidbpfError: some of it is no object and no archive.
    """
    cache = Path(*toolchain.caches)
    if _recorded(cache)[0] == _changed(cache):
        return
    with _locked(cache):
        changed = _changed(cache)
        files = {}
        for file in sorted(file for pattern in LINKED for file in cache.glob(pattern)):
            if not file.read_bytes().startswith(MAGIC):
                remedy = f"remove zig's cache: rm -r {shlex.quote(str(cache))}"
                raise DroidbpfError(f"{file} is damaged", remedy)
            files[str(file.relative_to(cache))] = (*_stamp(file), _digest(file))
        part = cache / f"{RECORD}.tmp"
        part.write_text(json.dumps({"changed": changed, "files": files}, indent=1))
        part.replace(cache / RECORD)


def _changed(cache: Path) -> int:
    return (cache / "o").stat().st_mtime_ns


def _recorded(cache: Path) -> tuple[int, dict[str, Made]]:
    """Give when the cache had what is recorded, and by its names what that is."""
    try:
        known = json.loads((cache / RECORD).read_bytes())
        files = {
            name: (size, time, digest) for name, (size, time, digest) in known["files"].items()
        }
        return known["changed"], files
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return 0, {}  # there is none, or a damaged one, which is written anew


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _library(zig: str) -> str:
    """Give zig's library folder: beside it in an archive or wheel, else as distributions have it.

    Raises:
        DroidbpfError: there is none.
    """
    folder = os.path.dirname(os.path.realpath(zig))  # noqa: PTH120 - no pathlib at every start
    for place in (f"{folder}/lib", f"{os.path.dirname(folder)}/lib/zig"):  # noqa: PTH120
        if os.access(f"{place}/libc/musl", os.F_OK):
            return place
    raise DroidbpfError(f"{zig} has no folder lib beside it", HINT)
