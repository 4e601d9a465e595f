"""Tool: apps. Adds env.App(), which turns a folder of sources into one program.

What an app is made of is in selection.plan(). A SConscript in the folder is for exceptions: it gets
the app's own `env`, and there env.Generate() and env.Macros() make headers. What apps share is a
library for all of them: env.CommonOfApps().
"""

import contextlib
import os
import re
import sys
from collections import UserList, deque

from SCons.Script import Action, GetOption

import generator
import selection
from base.errors import DroidbpfError, printable
from inputs import reported
from names import file_node, folder_node, harmless, literal
from selection import BPF
from site_tools.bpf import TARGET_ARCH
from steps import user_errors

OPTIONS = (
    ("app", "names of apps, comma separated, or all", "all", ()),
    ("apps_dir", "folder of apps: a folder each, or flat", "apps", ()),
    ("mode", "whether apps are optimized and stripped", "release", ("release", "debug")),
)
OPTIMIZE = {"release": ["-O2", "-g"], "debug": ["-O0", "-g"]}
# Variables that a SConscript may change, and what they may be. SCons has lists of its own kinds.
LISTS = ("BPFFLAGS", "CCFLAGS", "CFLAGS", "CXXFLAGS", "CPPPATH", "LIBS", "LINKFLAGS", "STRIPFLAGS")
DEFINES = ("BPFDEFINES", "CPPDEFINES")
TYPES = dict.fromkeys(LISTS, (str, tuple, list, UserList))
TYPES |= dict.fromkeys(DEFINES, (str, tuple, list, UserList, deque, dict))
TYPES["DEMO_ARGS"] = str
HINT = "docs/reference/app-folders.md lists what a SConscript may set"


def generate(env):
    env["COMPILED"] = []  # what goes into compile_commands.json
    script = "$( $PYTHON site_scons/generator.py $) ${SOURCES[0]} ${TARGET}.tmp $LABELLED"
    env["GENERATE"] = env.Step("GEN", script)
    env["MACROS"] = env.Step(
        "MACROS",
        "$CC $CCFLAGS $( $DEPFLAGS $) -E -dM -include $HEADER $SOURCE > ${TARGET}.tmp",
        identity="TOOLCHAIN_ID",
    )
    env.AddMethod(app, "App")
    env.AddMethod(common, "CommonOfApps")


def app(env, name, layout):
    """Declare an app as a default target of its name; return the node of its program.

    With -k, an app whose folder is not right fails as one that does not compile does.

    Args:
        name: the app.
        layout: the folder of apps that it is in.
    """
    units = env["COMPILED"]  # a clone copies it
    env = env.Clone()
    env["OUTPUT"] = f"{env['VARIANT']}/apps/{harmless(name)}"
    env["PLACE"] = _place(layout)
    env["GENERATED"] = []  # headers that its script makes
    try:
        plan = selection.plan(name, layout, TARGET_ARCH[env["ARCH"]])
        with _blamed_on(plan.script):
            skeletons, program = _declare(env, name, plan, layout.style, units)
    except DroidbpfError as error:
        skeletons, program = [], _failing(env, f"{env['OUTPUT']}/{harmless(name)}", error)
    env.Expect(printable(name), program[0])
    # First what others wait for: archives to extract, and the long chain to a header.
    first = [*env["THIRD_PARTY"].fetched, *skeletons, *env["GENERATED"], *env["LIBRARIES"]]
    env.Default(env.Alias(harmless(name), [*first, *program]))
    return program[0]


def _failing(env, path, error):
    """Return the nodes of a file that cannot be made, which fails when its turn comes: with -k.

    Raises:
        DroidbpfError: the error, without -k.
    """
    if not GetOption("keep_going"):
        raise error
    action = Action(user_errors(_fail), None)
    return env.AlwaysBuild(env.Command(file_node(env, path), [], action, ERROR=error))


def _fail(target, source, env):
    raise env["ERROR"]


def _declare(env, name, plan, style, units):
    """Declare the steps of an app; return its skeletons and its program."""
    output = env["OUTPUT"]
    env["FOLDER"] = plan.folder
    include = (folder_node(env, folder) for folder in (output, *plan.include))
    env["CPPPATH"] = [*include, *env["CPPPATH"]]
    if plan.vmlinux != "":
        env["VMLINUX"] = file_node(env, plan.vmlinux) if plan.vmlinux else None
    _flags(env, style)
    env["STRIPFLAGS"] = list(style.strip)
    env["SKELETON_SUFFIX"] = style.skeleton_suffix
    env["BPFWARNINGS"] = list(style.bpf_warnings)
    env.AddMethod(_generate, "Generate")
    env.AddMethod(_macros, "Macros")
    if plan.script:
        _exceptions(env, plan.script, name)
    if env["TOOLCHAIN"].libc != "bionic":  # which knows the phone's time zone itself
        env.Append(LINKFLAGS=["-Wl,-u,droidbpf_timezone"])
    linked, skeletons = _bpf_side(env, name, plan, units)
    objects = _user_side(env, output, plan, units)
    objects += env.ExternalBtf(name, linked)
    env.BtfReport(name, linked)
    program = env.TargetProgram(file_node(env, f"{output}/{name}"), [*objects, *env["LIBRARIES"]])
    env.Requires(program, env["THIRD_PARTY"].states)
    return skeletons, program


def _exceptions(env, script, name):
    """Run an app's SConscript with its environment and its name; report a fault in one line."""
    try:
        env.SConscript(file_node(env, script), exports={"env": env, "name": name})
    except DroidbpfError:
        raise
    except BaseException as error:  # KeyboardInterrupt and SystemExit, too
        place, reason = generator.fault(script, error)
        raise DroidbpfError(f"{place}: {reason}", HINT) from None
    _check_types(env, script)


@contextlib.contextmanager
def _blamed_on(script):
    """Report in one line what SCons refuses of the values that an app's SConscript has set."""
    try:
        yield
    except DroidbpfError:
        raise
    except Exception as error:
        if not script:
            raise
        text = printable(str(error).partition("\n")[0])
        raise DroidbpfError(f"{script}: {type(error).__name__}: {text}", HINT) from None


def _check_types(env, script):
    """Refuse values that SCons or a step could only fail on with a traceback."""
    for variable, types in TYPES.items():
        value = env.get(variable, "")
        if not isinstance(value, types):
            kind = type(value).__name__
            raise DroidbpfError(f"{script}: {variable} cannot be of the type {kind}", HINT)
    if env["BPF_OBJECTS"] not in ("each", "one"):
        raise DroidbpfError(f"BPF_OBJECTS={env['BPF_OBJECTS']}", "it may be each, or one")
    suffix = env["SKELETON_SUFFIX"]
    if not isinstance(suffix, str) or not re.fullmatch(r"\w*", suffix, re.ASCII):
        hint = "it ends the name of a C struct: letters, digits and _"
        raise DroidbpfError(f"SKELETON_SUFFIX={suffix}", hint)


def _bpf_side(env, name, plan, units):
    """Return the linked objects and skeletons of an app: of each .bpf.c, or one of all."""
    output = env["OUTPUT"]
    compiled = {}
    for program in plan.programs:
        path = f"{plan.folder}/{program}"
        stem = program.removesuffix(BPF)
        flags, made = env.Precompiled(env["VMLINUX"], path) if env["VMLINUX"] else ([], [])
        target = file_node(env, f"{output}/{stem}.tmp.bpf.o")
        (node,) = env.BpfTmpObject(target, file_node(env, path), PCHFLAGS=flags)
        env.Depends(node, made)
        units.append((env, "BPFCOM", node))
        compiled[stem] = [node]
    if env["BPF_OBJECTS"] == "one":
        compiled = {name: [node for nodes in compiled.values() for node in nodes]}
    linked, skeletons = [], []
    for stem, nodes in compiled.items():
        linked += env.BpfObject(file_node(env, f"{output}/{stem}.bpf.o"), nodes)
        skeletons += env.BpfSkeleton(
            file_node(env, f"{output}/{stem}.skel.h"),
            linked[-1],
            SKELETON=_identifier(stem) + env["SKELETON_SUFFIX"],
        )
        if os.path.exists(hiding := f"{plan.folder}/{stem}.skel.h"):
            reason = "hides the skeleton that is built, and may be of another program: remove it"
            print(f"warning: {hiding} {reason}", file=sys.stderr)
    return linked, skeletons


def _user_side(env, output, plan, units):
    """Return the objects of the .c, .cc and .cpp files."""
    if plan.cxx:
        _need_cxx(env, f"{plan.folder}/{plan.cxx}")
        env["LINKER"], env["LINKER_ID"] = "$CXX", "$CXX_ID"
    objects = []
    for source in plan.sources:
        stem, _, suffix = source.rpartition(".")
        is_c = suffix == "c"
        target = file_node(env, f"{output}/{stem if is_c else source}.o")  # x.c and x.cc have two
        objects += env.TargetObject(target, file_node(env, f"{plan.folder}/{source}"))
        units.append((env, "CCCOM" if is_c else "CXXCOM", objects[-1]))
    return objects


def common(env, layout):
    """Return the library of what the apps share, none where there is nothing."""
    plan = selection.common(layout)
    include = [folder_node(env, folder) for folder in plan.include]
    own = _flags(env.Clone(), layout.style)
    own["PLACE"] = _place(layout)
    if layout.flat:
        own["CPPPATH"] = [*include, *env["CPPPATH"]]
    else:
        own["CPPPATH"] = env["CPPPATH"] = [*env["CPPPATH"], *include]
    if not plan.sources:
        return []
    output = f"{env['VARIANT']}/apps/{selection.COMMON}"
    archive = file_node(env, f"{output}/libcommon.a")
    try:
        objects = _user_side(own, output, plan, env["COMPILED"])
    except DroidbpfError as error:
        return _failing(env, archive.path, error)
    env["LINKER"], env["LINKER_ID"] = own["LINKER"], own["LINKER_ID"]  # g++ if any of it is C++
    return env.TargetLibrary(archive, objects)


def _place(layout):
    """Return what a signature holds of the place of apps: clang records absolute paths outside."""
    return "outside" if os.path.isabs(layout.apps_dir) else ""


def _flags(env, style):
    """Add the flags of user space code to an environment, and return it."""
    env.Append(CCFLAGS=[*OPTIMIZE[env["mode"]], *style.ccflags], CFLAGS=list(style.cflags))
    return env


def _need_cxx(env, source):
    if not env["CXX"]:
        if env["TOOLCHAIN"].name == "musl":
            hint = "take toolchain=zig, which has one, or gnu"
            raise DroidbpfError(f"{source} is C++: toolchain=musl has no library for it", hint)
        triple = env["TOOLCHAIN"].triple
        hint = f"install it: apt-get install g++-{triple}"
        raise DroidbpfError(f"{source} needs a C++ compiler, {triple}-g++", hint)


def _identifier(stem):
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return f"_{name}" if name[0].isdigit() else name


def _generate(env, header, script, sources):
    """Make a header of the app by a Python script of its folder: script HEADER LABEL=SOURCE…

    Args:
        sources: {label: a file of the app's folder, or a node}.
    """
    inputs = [
        file_node(env, f"{env['FOLDER']}/{file}") if isinstance(file, str) else file
        for file in (script, *sources.values())
    ]
    labels = literal(sources)
    labelled = [f"{label}=${{SOURCES[{i}]}}" for i, label in enumerate(labels, start=1)]
    target = file_node(env, f"{env['OUTPUT']}/{header}")
    made = env.Command(target, inputs, env["GENERATE"], LABELLED=labelled)
    env["GENERATED"] += made
    return made


def _macros(env, header):
    """Make a file of the macros that a header of the target's C library defines."""
    target = file_node(env, f"{env['OUTPUT']}/{header.replace('/', '_')}.macros")
    made = env.Command(target, "#toolchains/empty.c", env["MACROS"], HEADER=header)
    reported(made, [], env)
    env.Requires(made, env["SET_UP"])
    return made[0]
