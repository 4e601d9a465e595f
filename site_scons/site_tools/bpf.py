"""Tool: BPF programs. Adds the builders BpfTmpObject, BpfObject and BpfSkeleton.

x.bpf.c     -> x.tmp.bpf.o      (clang)
x.tmp.bpf.o -> x.bpf.o          (bpftool gen object)
x.bpf.o     -> x.skel.h         (bpftool gen skeleton … name $SKELETON)
"""

from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action

import bpf_object
from btf_order import sort_btf
from scanner import header_scanner
from third_party import state

# Kernel's and libbpf's name of an architecture, for <bpf/bpf_tracing.h>.
TARGET_ARCH = {"arm64": "arm64", "x86_64": "x86"}

# What is done to an object after clang: as much an input of it as clang is.
FINISHING = tuple(
    map(Path, ("site_scons/bpf_object.py", "site_scons/btf_order.py", "btfhub/btf.py"))
)


def exists(env):
    return True


def generate(env):
    tools = env["BPF_TOOLS"]
    env.SetDefault(
        CLANG=list(tools.clang),
        CLANG_ID=f"{tools.clang_identity} {state.key(FINISHING)}",
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
    env["BUILDERS"]["BpfTmpObject"] = Builder(
        action=compiled, suffix=".tmp.bpf.o", source_scanner=header_scanner()
    )
    env["BUILDERS"]["BpfObject"] = Builder(action=linked, suffix=".bpf.o")
    env["BUILDERS"]["BpfSkeleton"] = Builder(action=skeleton, suffix=".skel.h")


def _step(env, name, command, identity="BPFTOOL_ID", after=None):
    return Action(env.Step(name, name, command, identity=identity, after=after))


def _finish(target, source, env):
    bpf_object.check(f"{target[0]}.tmp", str(source[0]))
    sort_btf(f"{target[0]}.tmp")
