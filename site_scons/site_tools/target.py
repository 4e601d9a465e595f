"""Tool: the target toolchain. Adds the builders TargetObject, TargetLibrary and TargetProgram.

TargetProgram makes two files: the program, stripped, and beside it <program>.debug, which holds
its debug information and which gdb finds through the program's debug link. With mode=debug it
makes the one program, debug information included.
"""

import threading
from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action

import toolchains
import workspace
from base.errors import DroidbpfError
from inputs import reported
from scanner import header_scanner
from selection import as_node, literal

_verified = set()  # toolchains, in this build
_verifying = threading.Lock()


def exists(env):
    return True


def generate(env):
    toolchain = env["TOOLCHAIN"]
    env["ENV"] = env["ENV"] | dict(toolchain.environment)
    for path, folder in toolchain.links:
        workspace.link(path, folder)
    for folder in toolchain.caches:
        workspace.cache(folder)
    env.SetDefault(
        CC=[*literal(toolchain.cc), *_sysroot(toolchain)],
        CXX=literal(toolchain.cxx),
        AR=literal(toolchain.ar),
        OBJCOPY=literal(toolchain.objcopy),
        TOOLCHAIN_ID=toolchain.identity,
        PLACE="",  # of the sources, where debug information depends on it
        CFLAGS=[],
        CXXFLAGS=[],
        CCFLAGS=[*literal(toolchain.ccflags), "-ffunction-sections", "-fdata-sections"],
        DEPFLAGS=["-MD", "-MF", "${TARGET}.tmp.d"],
        CPPDEFPREFIX="-D",
        CPPDEFSUFFIX="",
        INCPREFIX="-I",
        INCSUFFIX="",
        LINKER="$CC",
        LINKFLAGS=[*literal(toolchain.linkflags), "-Wl,--gc-sections", "-Wl,--build-id=sha1"],
        LINKMODE=list(_link_mode(env["link"], toolchain)),
        # zig's linker reports nothing: what it links is in its identity.
        LINKDEPFLAGS=[] if toolchain.name == "zig" else ["-Wl,--dependency-file=${TARGET}.tmp.d"],
        LIBS=[],
        STRIPFLAGS=["--strip-all"],
        BUILTINS=literal(toolchain.builtins),
        RTLIB=[],
        LIBC=[],
    )
    scanner = header_scanner()
    compile_flags = (
        "$CCFLAGS $( $PREFIX_MAP $COLOUR $DEPFLAGS $) $_CPPDEFFLAGS $_CPPINCFLAGS -c $SOURCE"
    )
    own = "TOOLCHAIN_ID PLACE"
    cc = _step(env, "CC", "CC", f"$CC -o ${{TARGET}}.tmp $CFLAGS {compile_flags}", identity=own)
    cxx = _step(
        env, "CXX", "CXX", f"$CXX -o ${{TARGET}}.tmp $CXXFLAGS {compile_flags}", identity=own
    )
    archive = _step(env, "AR", "AR", "$AR rcsD ${TARGET}.tmp $SOURCES", before=_discard)
    link = [
        "$LINKER -o ${TARGET}.tmp $LINKMODE $LINKFLAGS $( $LINKDEPFLAGS $) $SOURCES $LIBS $RTLIB"
    ]
    if env["mode"] == "release":
        link += [
            "$OBJCOPY --only-keep-debug ${TARGET}.tmp ${TARGETS[1]}",
            "$OBJCOPY $STRIPFLAGS --add-gnu-debuglink=${TARGETS[1]} ${TARGET}.tmp",
        ]
    env["BUILDERS"]["TargetObject"] = Builder(
        action={".c": cc, ".cpp": cxx, ".cc": cxx},
        suffix=".o",
        source_scanner=scanner,
        emitter=reported,
    )
    env["BUILDERS"]["TargetLibrary"] = Builder(action=archive, suffix=".a")
    if toolchain.builtins:
        _make_libc(env)
    env["BUILDERS"]["TargetProgram"] = Builder(
        action=_step(env, "LINK", "LINK", *link, after=_remember), emitter=_linked
    )


def _sysroot(toolchain):
    """Give the words that tell a compiler its sysroot, which no signature and no product holds."""
    if not toolchain.sysroot:
        return []
    (folder,) = literal([toolchain.sysroot])
    named = f"-ffile-prefix-map={folder}={toolchain.libc}"
    return ["$(", f"--sysroot={folder}", named, "$)"]


def verify(target, source, env):
    """Let the toolchain make sure of its files in the cache, before the first step that uses it."""
    with _verifying:
        if env["TOOLCHAIN"] not in _verified:
            toolchains.verify(env["TOOLCHAIN"], offline=env["offline"] == "1")
            _verified.add(env["TOOLCHAIN"])


def _remember(target, source, env):
    """Let the toolchain note what it made in the cache for this link."""
    with _verifying:
        toolchains.remember(env["TOOLCHAIN"])


def _step(env, name, label, *commands, identity="TOOLCHAIN_ID", before=verify, after=None):
    return Action(env.Step(name, label, *commands, identity=identity, before=before, after=after))


def _make_libc(env):
    """Let the libc be made in steps that say so, before the links that need it."""
    output = f"#{env['VARIANT']}/libc"
    command = "$BUILTINS -femit-bin=${TARGET}.tmp"
    archive = _step(env, "RTLIB", "RTLIB", command, after=_discard_object)
    env["RTLIB"] = env.Command(f"{output}/libcompiler_rt.a", [], archive)
    command = "$LINKER -o ${TARGET}.tmp $LINKMODE $LINKFLAGS $SOURCES"
    empty = _step(env, "LIBC", "LIBC", command, after=_remember)
    env["LIBC"] = env.Command(f"{output}/empty", ["#toolchains/empty.c", env["RTLIB"]], empty)


def _link_mode(link, toolchain):
    """Give the flags of a static or dynamic link.

    Raises:
        DroidbpfError: the toolchain links statically only.
    """
    if link == "static":
        return toolchain.static
    if toolchain.dynamic is None:
        hint = "link=static, or a toolchain whose libc phones have: ndk"
        raise DroidbpfError(f"toolchain={toolchain.name} has no dynamic libc to link with", hint)
    return toolchain.dynamic


def _linked(target, source, env):
    """Add the file of debug information; depend on the libraries that $LIBS names by path."""
    words = map(str, env.subst_list("$LIBS")[0])
    env.Depends(target, [as_node(word) for word in words if not word.startswith("-")])
    if env["LINKDEPFLAGS"]:
        target, source = reported(target, source, env)
    env.Depends(target, env["RTLIB"])
    env.Requires(target, env["LIBC"])
    if env["mode"] == "release":
        target = [*target, f"{target[0]}.debug"]
    return target, source


def _discard(target, source, env):
    """Remove what an interrupted run left: ar would add to it."""
    Path(f"{target[0]}.tmp").unlink(missing_ok=True)


def _discard_object(target, source, env):
    """Remove the object that zig leaves beside an archive."""
    Path(f"{target[0]}.tmp.o").unlink(missing_ok=True)
