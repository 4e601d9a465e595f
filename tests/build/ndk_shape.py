"""A folder with the layout of an Android NDK, made of the distribution's clang, lld and musl.

Its clang is the machine's, whose driver knows Android: what it asks for (crtbegin_static.o, API
levels …) is there, with musl's code. So static programs run on Linux, and dynamic ones ask for
Android's loader. It tells nothing of bionic's own headers and functions.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt, aptconf
from fetch.deb import unpack_deb
from toolchains import bpf
from toolchains.ndk import PREBUILT
from toolchains.probe import Probes

VERSION = "27.2.12479018"
APIS = (*range(21, 25), *range(26, 36))  # 25 brought nothing new
TRIPLE = "aarch64-linux-android"
LLVM_PROGRAMS = ("llvm-ar", "llvm-objcopy", "llvm-readobj")
LINKS = {"ld.lld": "lld", "llvm-strip": "llvm-objcopy", "llvm-readelf": "llvm-readobj"}

# bionic hands the arguments of main() to constructors, and musl calls this to run them. For arm64,
# what begins bionic's programs aligns the TLS segment, but for levels before 29.
START = """\
#if __ANDROID_API__ >= 29
__attribute__((__used__, __retain__, __aligned__(64))) static _Thread_local char aligned;
#endif

typedef void constructor(int argc, char **argv, char **env);
extern constructor *const __init_array_start[], *const __init_array_end[];
extern char **__environ;

void __libc_start_init(void)
{
	long argc = 0;

	while ((long)__environ[-2 - argc] != argc)
		argc++;
	for (constructor *const *each = __init_array_start; each < __init_array_end; each++)
		(*each)(argc, __environ - 1 - argc, __environ);
}
"""


def given_or_made(base: Path) -> Path:
    """Return the NDK of $DROIDBPF_TEST_NDK, or one that the workers of pytest-xdist share.

    Args:
        base: the folder that they share.

    Raises:
        DroidbpfError: as make().
    """
    if given := os.environ.get("DROIDBPF_TEST_NDK"):
        return Path(given).resolve()
    folder = base / "ndk"
    with (base / "ndk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "source.properties").exists():  # it is written last
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
    return folder


def make(folder: Path, version: str = VERSION, apis: Iterable[int] = APIS) -> Path:
    """Make an NDK-shaped folder, and give it.

    Args:
        folder: it is made.
        version: its Pkg.Revision.
        apis: the API levels that it has.

    Raises:
        DroidbpfError: the distribution's packages cannot be had, or there is no clang.
    """
    if platform.machine() != "x86_64":
        raise DroidbpfError("an NDK has programs for x86_64 only")
    folder.mkdir()
    apis = sorted(apis)
    prebuilt = folder / PREBUILT
    clang, major = _clang(folder)
    _programs(prebuilt / "bin", clang, major)
    _sysroot(prebuilt / "sysroot/usr", prebuilt / "bin/clang", apis)
    (prebuilt / "lib/clang" / major).mkdir(parents=True)
    text = f"Pkg.Desc = Android NDK\nPkg.Revision = {version}\n"
    (folder / "source.properties").write_text(text)
    return folder


def _clang(folder: Path) -> tuple[str, str]:
    """Return the machine's clang that has the BPF target, and its major version."""
    found = bpf.find(Probes(folder / "probes.json", os.environ["PATH"]))
    return found.clang[0], str(found.clang_version[0])


def _programs(folder: Path, clang: str, major: str) -> None:
    folder.mkdir(parents=True)
    for name, mode in (("clang", ""), ("clang++", "--driver-mode=g++ ")):
        script = (
            f'#!/bin/sh\nexec "{clang}" {mode}-B"${{0%/*}}" --sysroot="${{0%/*}}/../sysroot" "$@"\n'
        )
        _write(folder / name, script.encode(), 0o755)
    suite = aptconf.os_release().get("VERSION_CODENAME", "")
    lld = _package(f"lld-{major}", "amd64", lambda path: path.endswith("/bin/lld"), suite)
    wanted = LLVM_PROGRAMS
    llvm = _package(f"llvm-{major}", "amd64", lambda path: path.split("/")[-1] in wanted, suite)
    for path, content in (lld | llvm).items():
        if "/bin/" in path:
            _write(folder / Path(path).name, content, 0o755)
    for link, name in LINKS.items():
        (folder / link).symlink_to(name)


def _sysroot(usr: Path, clang: Path, apis: list[int]) -> None:
    """Write musl under the names by which clang's driver asks for bionic, level by level."""
    libraries = usr / "lib" / TRIPLE
    for path, content in _package(
        "musl-dev", "arm64", lambda path: path.startswith("usr/")
    ).items():
        if m := re.fullmatch(r"usr/include/[^/]+/(.*)", path):
            _write(usr / "include" / (f"{TRIPLE}/" * m[1].startswith("bits/") + m[1]), content)
        elif m := re.fullmatch(r"usr/lib/[^/]+/([^/]+)", path):
            _write(libraries / m[1], content)
    headers = _package("linux-libc-dev", "arm64", lambda path: path.startswith("usr/include/"))
    for path, content in headers.items():
        own = re.sub(r"^usr/include/aarch64-linux-gnu/", f"usr/include/{TRIPLE}/", path)
        _write(usr.parent / own, content)
    # What a real NDK has in compiler-rt's builtins: of both, emulated TLS is in the second.
    wanted = ("libgcc.a", "libgcc_eh.a")
    gcc = _package("libgcc-12-dev", "arm64", lambda path: path.endswith(wanted))
    for path, content in gcc.items():
        _write(libraries / f"real_{Path(path).name}", content)
    _write(libraries / "libgcc.a", b"GROUP(real_libgcc.a real_libgcc_eh.a)\n")
    (libc,) = _package("musl", "arm64", lambda path: path.endswith("/libc.so")).values()
    stub = ["-nostdlib", "-shared", "-fuse-ld=lld", "-Wl,-soname,libdl.so"]
    stub += ["-o", str(libraries / "libdl.so")]
    _compile(clang, apis[0], "", *stub)
    for api in apis:
        level = libraries / str(api)
        _write(level / "libc.so", libc)
        for name, parts in (
            ("crtbegin_static.o", "crt1.o crti.o start.o"),
            ("crtbegin_dynamic.o", "Scrt1.o crti.o"),
            ("crtend_android.o", "crtn.o"),
        ):
            _write(level / name, f"INPUT({parts})\n".encode())  # a script of the linker
        _compile(clang, api, START, "-c", "-O2", "-o", str(level / "start.o"))
        shutil.copy(libraries / "libdl.so", level)


def _compile(clang: Path, api: int, source: str, *words: str) -> None:
    command = [str(clang), f"--target={TRIPLE}{api}", "-x", "c", "-", *words]
    subprocess.run(command, input=source, text=True, check=True)


def _package(
    name: str, arch: str, wanted: Callable[[str], bool], suite: str = "bookworm"
) -> dict[str, bytes]:
    """Return files of one of the distribution's packages, downloaded to the cache at need."""
    deb = apt.binary(name, suite=suite, arch=arch, settings=Settings.from_environment())
    if found := unpack_deb(deb, wanted):
        return found
    raise DroidbpfError(f"the package {name} is not as it was")


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
