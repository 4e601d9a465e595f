"""What a toolchain is to the rest of the house: programs, flags and an identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ARCHES = ("arm64", "x86_64")


class Request(NamedTuple):
    """What the command line says of toolchains.

    Args:
        ndk: the path of an NDK, or "".
        api: an Android API level in digits, or "" for the toolchain's own.
        offline: nothing may be downloaded.
        fetch: what a toolchain lacks may be downloaded now, once: not where it is only asked for.
    """

    ndk: str = ""
    api: str = ""
    offline: bool = False
    fetch: bool = True


@dataclass(frozen=True)
class Toolchain:
    """A compiler and its companions for one target.

    Args:
        name: gnu, ndk, musl or zig.
        arch: one of ARCHES.
        triple: the target as the compiler names it, such as aarch64-linux-gnu.
        version: what the compiler says of its version, for people.
        cc, cxx, ar, objcopy: the words that begin a command; cxx may be ().
        identity: goes into the signature of everything that the toolchain makes.
        libc: glibc, musl or bionic.
        ccflags: flags for every compile.
        linkflags: flags for every link.
        sysroot: the folder that the compiler is to be told to take headers and libraries from, or
            "". What it holds is part of the identity; where it is goes into no signature.
        static, dynamic: further flags for a static and for a dynamic link; dynamic is None where
            there is no dynamic libc to link with.
        environment: variables of every step.
        bpf_clang: the toolchain's own compiler of BPF objects, asked before others, or ().
        links: (path below build/, folder it is to lead to) of symbolic links that steps rely on.
        caches: folders that steps write to beside build/.
        builtins: begins the command that compiles the archive of what compiled code calls, where
            the toolchain brings none; there the first link compiles the libc, which takes a minute.
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
    libc: str = "glibc"
    ccflags: tuple[str, ...] = ()
    linkflags: tuple[str, ...] = ()
    sysroot: str = ""
    static: tuple[str, ...] = ("-static",)
    dynamic: tuple[str, ...] | None = ()
    environment: tuple[tuple[str, str], ...] = ()
    bpf_clang: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    caches: tuple[str, ...] = ()
    builtins: tuple[str, ...] = ()


@dataclass(frozen=True)
class BpfTools:
    """What makes BPF objects and skeletons: clang with the BPF target, and bpftool.

    Args:
        clang: the words that begin a command.
        bpftool: the path of the program; "" where it is to be built from source.
        host: what builds it, a toolchain for this machine; None where it was found.
        clang_version, bpftool_version: (major, minor, patch), as far as each says.
        clang_identity, bpftool_identity: go into the signatures of what each makes.
    """

    clang: tuple[str, ...]
    bpftool: str
    clang_version: tuple[int, ...]
    bpftool_version: tuple[int, ...]
    clang_identity: str
    bpftool_identity: str
    host: Toolchain | None = None
