"""Tool: the target toolchain. Adds the builders TargetObject, TargetLibrary and TargetProgram.

TargetProgram makes two files: the program, stripped, and beside it <program>.debug, which holds
its debug information and which gdb finds through the program's debug link. With mode=debug it
makes the one program, debug information included.
"""

from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action

import toolchains
from base.errors import DroidbpfError
from base.progress import show_progress
from inputs import reported
from names import file_node, literal
from scanner import header_scanner
from steps import user_errors

OPTIONS = (
    ("ARCH", "target architecture", "arm64", toolchains.ARCHES),
    ("toolchain", "compiler of the target", "auto", toolchains.NAMES),
    ("ndk", "path of an Android NDK", "", ()),
    ("api", "Android API level, for the NDK", "", ()),
    ("link", "how programs link to libc", "static", ("static", "dynamic")),
)
TIMELESS = "-Werror=date-time"  # __DATE__ would make each build another
_set_up = {}  # file -> node, for all environments: the target's toolchain and the host's may be one


def generate(env):
    toolchain = env["TOOLCHAIN"]
    env["ENV"] = env["ENV"] | dict(toolchain.environment)
    env.SetDefault(
        CC=literal(toolchain.cc),
        CXX=literal(toolchain.cxx),
        AR=literal(toolchain.ar),
        OBJCOPY=literal(toolchain.objcopy),
        TOOLCHAIN_ID=toolchain.identity,
        CXX_ID=toolchain.cxx_identity,
        SET_UP=_set_up_node(env, toolchain),
        EPOCH=env["ENV"].get("SOURCE_DATE_EPOCH", ""),
        PLACE="",  # of the sources, where debug information depends on it
        CFLAGS=[],
        CXXFLAGS=[],
        CCFLAGS=[*literal(toolchain.ccflags), "-ffunction-sections", "-fdata-sections", TIMELESS],
        DEPFLAGS=["-MD", "-MF", "${TARGET}.tmp.d"],
        CPPDEFPREFIX="-D",
        CPPDEFSUFFIX="",
        INCPREFIX="-I",
        INCSUFFIX="",
        LINKER="$CC",
        LINKER_ID="",  # of $CXX in its place
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
    cc = env.Step(
        "CC",
        f"$CC -o ${{TARGET}}.tmp $CFLAGS {compile_flags}",
        identity="TOOLCHAIN_ID PLACE EPOCH",
    )
    cxx = env.Step(
        "CXX",
        f"$CXX -o ${{TARGET}}.tmp $CXXFLAGS {compile_flags}",
        identity="TOOLCHAIN_ID CXX_ID PLACE EPOCH",
    )
    command = "$AR rcsD ${TARGET}.tmp $SOURCES"
    archive = env.Step("AR", command, identity="TOOLCHAIN_ID", before=_discard)
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
        emitter=compiled_after_set_up,
    )
    env["BUILDERS"]["TargetLibrary"] = Builder(action=archive, suffix=".a")
    if toolchain.builtins:
        _make_libc(env)
    env["BUILDERS"]["TargetProgram"] = Builder(
        action=env.Step("LINK", *link, identity="TOOLCHAIN_ID LINKER_ID"),
        emitter=_linked,
    )


def _set_up_node(env, toolchain):
    """Declare the step that sets a toolchain up; return its nodes, which may be none."""
    wanted = toolchain.set_up
    if not wanted:
        return []
    if wanted.file not in _set_up:
        action = Action(user_errors(_run_set_up), f"  {wanted.label:8} $TARGET")
        made = env.Command(f"#{wanted.file}", env.Value(wanted.key), action, SETS_UP=toolchain)
        _set_up[wanted.file] = made
    return _set_up[wanted.file]


def _run_set_up(target, source, env):
    with show_progress(env["FETCH_SETTINGS"]()) as settings:
        toolchains.set_up(env["SETS_UP"], settings)


def compiled_after_set_up(target, source, env):
    """Emit targets of a compiler: they wait until the toolchain is set up."""
    env.Requires(target, env["SET_UP"])
    return reported(target, source, env)


def _make_libc(env):
    """Declare the steps that make the libc, which the first link would make without a word."""
    output = f"#{env['VARIANT']}/libc"
    command = "$BUILTINS -femit-bin=${TARGET}.tmp"
    archive = env.Step("RTLIB", command, identity="TOOLCHAIN_ID", after=_discard_object)
    env["RTLIB"] = env.Command(f"{output}/libcompiler_rt.a", [], archive)
    env.Requires(env["RTLIB"], env["SET_UP"])
    command = "$LINKER -o ${TARGET}.tmp $LINKMODE $LINKFLAGS $SOURCES"
    empty = env.Step("LIBC", command, identity="TOOLCHAIN_ID")
    env["LIBC"] = env.Command(f"{output}/empty", ["#toolchains/empty.c", env["RTLIB"]], empty)


def _link_mode(link, toolchain):
    """Return the flags of a static or dynamic link.

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
    env.Depends(target, [file_node(env, word) for word in words if not word.startswith("-")])
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
