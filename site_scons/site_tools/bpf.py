"""Tool: BPF programs. Adds the builders BpfTmpObject, BpfObject and BpfSkeleton.

x.bpf.c     -> x.tmp.bpf.o      (clang)
x.tmp.bpf.o -> x.bpf.o          (bpftool gen object)
x.bpf.o     -> x.skel.h         (bpftool gen skeleton … name $SKELETON)

env.Precompiled() saves two thirds of clang's time for programs that begin with vmlinux.h, which is
then read once for all. The order of the types in an object's BTF depends on that, so a program
always uses the precompiled header or never does.
"""

import re
from pathlib import Path

from SCons.Builder import Builder

import state
from names import literal
from scanner import chooses, header_scanner, no_scanner
from site_tools.bpftool import run_bpftool
from site_tools.target import TIMELESS, compiled_after_set_up

# Kernel's and libbpf's name of an architecture, for <bpf/bpf_tracing.h>.
TARGET_ARCH = {"arm64": "arm64", "x86_64": "x86"}

# What changes an object after clang did: as much its input as clang is.
FINISHING = tuple(
    Path(f"btfhub/{name}.py") for name in ("bpf_object", "btf", "btf_ext", "btf_order", "elf")
)

# What vmlinux.h is precompiled with.
OF_PRECOMPILED = ("CLANG", "BPFFLAGS", "BPFDEFINES")
GUARD = b"#ifndef __VMLINUX_H__"
# The first directive, with nothing but comments before it.
FIRST_INCLUDE = re.compile(
    r'(?>\s+|//[^\n]*|/\*(?s:.*?)\*/)*+#[ \t]*include[ \t]*[<"]vmlinux\.h[>"]'
)


def generate(env):
    tools = env["BPF_TOOLS"]
    env.SetDefault(
        CLANG=literal(tools.clang),
        CLANG_ID=f"{tools.clang_identity} {state.key(FINISHING)}",
        # v3, the default of newer clangs, has atomics that a 5.10 kernel rejects.
        BPFFLAGS=["-target", "bpf", "-mcpu=v2", "-g", "-O2", "-Wall", "-fno-stack-protector"],
        BPFDEFINES=[f"__TARGET_ARCH_{TARGET_ARCH[env['ARCH']]}"],
        BPFHEADERS=_headers(literal(env["TOOLCHAIN"].headers.folders)),
        BPFHEADERS_ID=env["TOOLCHAIN"].headers.identity,
        PCHFLAGS=[],
        BPFWARNINGS=[TIMELESS],
        BPF_OBJECTS="each",  # of an app's programs: each is an object, or all are "one"
        _BPFDEFFLAGS="${_defines('-D', BPFDEFINES, '', __env__, TARGET, SOURCE)}",
    )
    compiled = env.Step(
        "BPF",
        "$CLANG $BPFFLAGS $BPFWARNINGS $PCHFLAGS $( $PREFIX_MAP $COLOUR $DEPFLAGS $) $_BPFDEFFLAGS"
        " $_CPPINCFLAGS $( $BPFHEADERS $) -c $SOURCE -o ${TARGET}.tmp",
        identity="CLANG_ID BPFHEADERS_ID BPF_OBJECTS PLACE EPOCH",
        after=_finish,
    )
    linked = env.Step(
        "GENOBJ",
        "$BPFTOOL gen object ${TARGET}.tmp $SOURCES",
        identity="BPFTOOL_ID",
        after=_finish_linked,
    )
    skeleton = env.Step(
        "SKEL",
        "$BPFTOOL gen skeleton $SOURCE name $SKELETON > ${TARGET}.tmp",
        identity="BPFTOOL_ID",
    )
    env["PCH"] = env.Step(
        "PCH",
        "$CLANG $BPFFLAGS -Xclang -fno-pch-timestamp $( $PREFIX_MAP $DEPFLAGS $) $_BPFDEFFLAGS"
        " -x c-header $SOURCE -o ${TARGET}.tmp",
        identity="CLANG_ID",
    )
    env["BPF_BASE"] = [list(env[variable]) for variable in OF_PRECOMPILED]
    env.AddMethod(precompiled, "Precompiled")
    env["BUILDERS"]["BpfTmpObject"] = Builder(
        action=compiled,
        suffix=".tmp.bpf.o",
        source_scanner=header_scanner(),
        emitter=compiled_after_set_up,  # the headers are of the target
    )
    env["BUILDERS"]["BpfObject"] = Builder(action=linked, suffix=".bpf.o", emitter=run_bpftool)
    env["BUILDERS"]["BpfSkeleton"] = Builder(action=skeleton, suffix=".skel.h", emitter=run_bpftool)


def _headers(folders):
    """Return the words that name the target's header folders and exclude the machine's own.

    Their place is in no product: BTF names the source lines of inline functions.
    """
    words = [w for f in folders for w in ("-idirafter", f, f"-ffile-prefix-map={f}/=include/")]
    return ["-nostdlibinc", *words] if folders else []


def _finish(target, source, env):
    from btfhub import bpf_object  # not at every start
    from btfhub.btf_order import sort_btf

    if env["BPF_OBJECTS"] == "each":
        bpf_object.check(Path(f"{target[0]}.tmp"), str(source[0]))
    sort_btf(Path(f"{target[0]}.tmp"))


def _finish_linked(target, source, env):
    from btfhub import bpf_object

    if env["BPF_OBJECTS"] == "one":
        bpf_object.check(Path(f"{target[0]}.tmp"), str(target[0]))


def precompiled(env, header, source):
    """Return the flags for a program that begins with vmlinux.h, and their node; or nothing.

    Args:
        header: the node of vmlinux.h that its folder is to have.
        source: the path of the program.
    """
    if [env[variable] for variable in OF_PRECOMPILED] != env["BPF_BASE"]:
        return [], []  # flags of its own
    if env.FindFile(header.name, env["CPPPATH"]) is not header or chooses(header):
        return [], []  # a script built it or put it first, or it includes others
    with open(source, encoding="utf-8", errors="replace") as file:
        if not FIRST_INCLUDE.match(file.read()):
            return [], []
    if not hasattr(header.attributes, "precompiled"):
        header.attributes.precompiled = _precompile(env, header)
    return header.attributes.precompiled


def _precompile(env, header):
    """Declare how vmlinux.h is precompiled; return the flags that use it, and its node."""
    if not header.has_builder():
        with open(header.abspath, "rb") as file:
            if GUARD not in file.read(1024):
                return [], []  # the program reads it a second time, which would define all twice
    place = "own" if header.has_builder() else "apps"
    path = f"{env['VARIANT']}/vmlinux/{place}.pch"
    made = env.Command(f"#{path}", header, env["PCH"], source_scanner=no_scanner())
    compiled_after_set_up(made, [header], env)
    return ["-include-pch", path, "-Xclang", "-fno-validate-pch"], made
