"""Tool: BPF programs. Adds the builders VmlinuxHeader, BpfObject and BpfSkeleton.

arm64.btf.xz -> vmlinux.h                        (bpftool btf dump)
x.bpf.c      -> x.tmp.bpf.o -> x.bpf.o           (clang, bpftool gen object)
x.bpf.o      -> x.skel.h                         (bpftool gen skeleton … name $SKELETON)
"""

import lzma
import os
import shutil
from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action

import bpf_object
from btf_order import sort_forwards
from fetch.errors import DroidbpfError
from scanner import header_scanner
from third_party import state

# Kernel's and libbpf's name of an architecture, for <bpf/bpf_tracing.h>.
TARGET_ARCH = {"arm64": "arm64", "x86_64": "x86"}


# What is done to an object after clang: as much an input of it as clang is.
FINISHING = tuple(
    map(Path, ("site_scons/bpf_object.py", "site_scons/btf_order.py", "vmlinux/btf.py"))
)


def exists(env):
    return True


def generate(env):
    tools = env["BPF_TOOLS"]
    env.SetDefault(
        CLANG=tools.clang,
        BPFTOOL=tools.bpftool,
        CLANG_ID=f"{tools.clang_identity} {state.key(FINISHING)}",
        BPFTOOL_ID=tools.bpftool_identity,
        # v3, the default of newer clangs, has atomics that a 5.10 kernel refuses.
        BPFFLAGS=["-target", "bpf", "-mcpu=v2", "-g", "-O2", "-Wall", "-fno-stack-protector"],
        BPFDEFINES=[f"__TARGET_ARCH_{TARGET_ARCH[env['ARCH']]}"],
        _BPFDEFFLAGS="${_defines('-D', BPFDEFINES, '', __env__, TARGET, SOURCE)}",
    )
    compiled = _step(
        env,
        "BPF",
        "$CLANG $BPFFLAGS $( $PREFIX_MAP $COLOUR $) $_BPFDEFFLAGS $_CPPINCFLAGS -c $SOURCE"
        " -o ${TARGET}.tmp",
        identity="CLANG_ID",
        after=_finish,
    )
    linked = _step(env, "GENOBJ", "$BPFTOOL gen object ${TARGET}.tmp $SOURCES")
    skeleton = _step(env, "SKEL", "$BPFTOOL gen skeleton $SOURCE name $SKELETON > ${TARGET}.tmp")
    header = _step(
        env,
        "VMLINUX",
        "$BPFTOOL btf dump file ${TARGET}.btf format c > ${TARGET}.tmp",
        before=_decompress,
        after=_forget_btf,
    )
    env["BUILDERS"]["VmlinuxHeader"] = Builder(action=header, suffix=".h", src_suffix=".btf.xz")
    env["BUILDERS"]["BpfTmpObject"] = Builder(
        action=compiled, suffix=".tmp.bpf.o", source_scanner=header_scanner()
    )
    env["BUILDERS"]["BpfObject"] = Builder(action=linked, suffix=".bpf.o")
    env["BUILDERS"]["BpfSkeleton"] = Builder(action=skeleton, suffix=".skel.h")


def _step(env, name, command, identity="BPFTOOL_ID", before=None, after=None):
    return Action(env.Step(name, name, command, identity=identity, before=before, after=after))


def _finish(target, source, env):
    bpf_object.check(f"{target[0]}.tmp", str(source[0]))
    sort_forwards(f"{target[0]}.tmp")


def _decompress(target, source, env):
    try:
        with lzma.open(str(source[0])) as packed, open(f"{target[0]}.btf", "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (lzma.LZMAError, EOFError) as error:
        hint = f"restore it: git checkout {source[0]}"
        raise DroidbpfError(f"{source[0]} is corrupt: {error}", hint) from None


def _forget_btf(target, source, env):
    """Remove the plain BTF: as a node, its 6 MB would be hashed at every start."""
    os.unlink(f"{target[0]}.btf")
