"""What a toolchain is to the rest of the house: programs, flags and an identity."""

from __future__ import annotations

from dataclasses import dataclass

ARCHES = ("arm64", "x86_64")


@dataclass(frozen=True)
class Toolchain:
    """A compiler and its companions for one target.

    Args:
        name: gnu, ndk or musl.
        arch: one of ARCHES.
        triple: the target as the compiler names it, such as aarch64-linux-gnu.
        version: what the compiler says of its version, for people.
        cc, cxx, ar, objcopy: paths of the programs; cxx may be "".
        identity: goes into the signature of everything that the toolchain makes.
        ccflags: flags for every compile.
        linkflags: flags for every link.
        static: further flags for a static link.
    """

    name: str
    arch: str
    triple: str
    version: str
    cc: str
    cxx: str
    ar: str
    objcopy: str
    identity: str
    ccflags: tuple[str, ...] = ()
    linkflags: tuple[str, ...] = ()
    static: tuple[str, ...] = ("-static",)


@dataclass(frozen=True)
class BpfTools:
    """What makes BPF objects and skeletons: clang with the BPF target, and bpftool.

    Args:
        clang, bpftool: paths of the programs.
        clang_version, bpftool_version: (major, minor, patch), as far as each says.
        clang_identity, bpftool_identity: go into the signatures of what each makes.
    """

    clang: str
    bpftool: str
    clang_version: tuple[int, ...]
    bpftool_version: tuple[int, ...]
    clang_identity: str
    bpftool_identity: str
