"""What a toolchain is to the rest of the house: programs, flags and an identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ARCHES = ("arm64", "x86_64")


class Request(NamedTuple):
    """What the command line asks of toolchains.

    Args:
        ndk: the path of an NDK, or "".
        api: an Android API level in digits, or "" for the toolchain's own.
    """

    ndk: str = ""
    api: str = ""


class Headers(NamedTuple):
    """Folders of headers, in the order of search, and what a build signature holds of them."""

    folders: tuple[str, ...] = ()
    identity: str = ""


NO_HEADERS = Headers()


class SetUp(NamedTuple):
    """What a step does before anything else uses a toolchain, through toolchains.set_up().

    Args:
        file: below build/; it exists when all is done.
        key: what the result depends on.
        label: the name of the step, up to 8 columns.
    """

    file: str
    key: str
    label: str


@dataclass(frozen=True)
class Toolchain:
    """A compiler and its companions for one target.

    Args:
        name: gnu, ndk, musl or zig.
        arch: one of ARCHES.
        triple: the target as the compiler names it, such as aarch64-linux-gnu.
        version: the compiler's own description of its version, for people.
        cc, cxx, ar, objcopy: the words that begin a command; cxx may be ().
        identity: goes into the signature of everything that the toolchain makes.
        cxx_identity: further, into that of everything made with cxx.
        libc: glibc, musl or bionic.
        ccflags: flags for every compile.
        linkflags: flags for every link.
        headers: those of libc and kernel, for BPF programs; none if bpf_clang knows them.
        static, dynamic: further flags for a static and for a dynamic link; dynamic is None if
            there is no dynamic libc to link with.
        environment: variables of every step.
        bpf_clang: the toolchain's own compiler of BPF objects, preferred to others, or ().
        set_up: what must be done before the first use, or None.
        builtins: begins the command that compiles the functions that compiled code calls, if the
            toolchain brings no archive of them. There, the first link compiles the libc, which
            takes a minute.
    """

    name: str
    arch: str
    triple: str
    version: str
    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    ar: tuple[str, ...]
    objcopy: tuple[str, ...]
    identity: str
    cxx_identity: str = ""
    libc: str = "glibc"
    ccflags: tuple[str, ...] = ()
    linkflags: tuple[str, ...] = ()
    headers: Headers = NO_HEADERS
    static: tuple[str, ...] = ("-static",)
    dynamic: tuple[str, ...] | None = ()
    environment: tuple[tuple[str, str], ...] = ()
    bpf_clang: tuple[str, ...] = ()
    set_up: SetUp | None = None
    builtins: tuple[str, ...] = ()


@dataclass(frozen=True)
class BpfTools:
    """What makes BPF objects and skeletons: clang with the BPF target, and bpftool.

    Args:
        clang: the words that begin a command.
        bpftool: the path of the program; "" if it must be built from source.
        clang_version, bpftool_version: (major, minor, patch), as far as each reports them.
        clang_identity, bpftool_identity: go into the signatures of what each makes.
        host: the toolchain for this machine that builds bpftool; None if bpftool was found.
    """

    clang: tuple[str, ...]
    bpftool: str
    clang_version: tuple[int, ...]
    bpftool_version: tuple[int, ...]
    clang_identity: str
    bpftool_identity: str
    host: Toolchain | None = None
