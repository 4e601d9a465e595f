"""Tool: apps. Adds env.App(), which turns a folder of sources into one program.

<name>.bpf.c and every other .bpf.c of the folder become skeletons, every .c, .cc and .cpp an
object. In a flat folder of apps, as libbpf-bootstrap and libbpf-tools have them, the files
<name>.* are an app. A SConscript in the folder is for exceptions: it gets the app's own `env`, and
there env.Generate() and env.Macros() make headers. What apps share is a library for all of them:
the .c files of the folder _common beside them, or a flat folder's of no app and without a main().
"""

import os
import re
import sys
import traceback

from SCons.Script import Action, GetOption

from base.errors import DroidbpfError
from inputs import reported
from selection import BPF, USER_SPACE, as_node, is_program, literal
from site_tools.bpf import TARGET_ARCH
from steps import user_errors

COMMON = "_common"
OPTIMIZE = {"release": ["-O2", "-g"], "debug": ["-O0", "-g"]}


def exists(env):
    return True


def generate(env):
    env["COMPILED"] = []  # what compile_commands.json tells of
    env["GENERATE"] = env.Step("GEN", "GEN", "$( $PYTHON $) ${SOURCES[0]} ${TARGET}.tmp $LABELLED")
    env["MACROS"] = env.Step(
        "MACROS",
        "MACROS",
        "$CC $CCFLAGS $( $DEPFLAGS $) -E -dM -include $HEADER $SOURCE > ${TARGET}.tmp",
        identity="TOOLCHAIN_ID",
    )
    env.AddMethod(app, "App")
    env.AddMethod(common, "CommonOfApps")


def app(env, name, layout):
    """Make a target of an app's name, a default one; give the node of its program.

    With -k, an app whose folder is not right fails as one that does not compile does.

    Args:
        name: the app's name, which its main .bpf.c and its program bear.
        layout: the folder of apps that it is of.
    """
    units = env["COMPILED"]  # a clone copies it
    env = env.Clone(
        FOLDER=layout.apps_dir if layout.flat else f"{layout.apps_dir}/{name}",
        OUTPUT=f"{env['VARIANT']}/apps/{name}",
        PLACE=_place(layout),
    )
    try:
        skeletons, program = _declare(env, name, layout, units)
    except DroidbpfError as error:
        skeletons, program = [], _failing(env, f"#{env['OUTPUT']}/{name}", error)
    # In the order of what others wait for: archives to extract, the long chain to a skeleton.
    env.Expect(name, program[0])
    env.Default(env.Alias(name, [*env["THIRD_PARTY"].fetched, *skeletons, *program]))
    return program[0]


def _failing(env, path, error):
    """Give the nodes of a file that cannot be made, which fails when its turn comes: with -k.

    Raises:
        DroidbpfError: the error, without -k.
    """
    if not GetOption("keep_going"):
        raise error
    target = env.Command(*literal([path]), [], Action(user_errors(_fail), None), ERROR=error)
    return env.AlwaysBuild(target)


def _fail(target, source, env):
    raise env["ERROR"]


def _declare(env, name, layout, units):
    """Declare all that is made for an app; give its skeletons and its program."""
    folder, output = env["FOLDER"], env["OUTPUT"]
    if "$" in name:
        raise DroidbpfError(f"an app cannot be called {name}", "give it a name without $")
    sources = _sources(folder, name if layout.flat else "")
    programs = [source for source in sources if source.endswith(BPF)]
    if f"{name}.bpf.c" not in programs:
        hint = f"an app {name} needs {name}.bpf.c and {name}.c"
        if programs and not layout.flat:
            hint += f"; apps_dir={folder} builds {programs[0].removesuffix(BPF)}"
        raise DroidbpfError(f"{folder} has no {name}.bpf.c", hint)
    if sources == programs:
        others = "; -k builds the other apps" if layout.flat else ""
        hint = f"an app needs a user space side{others}"
        raise DroidbpfError(f"{folder} has no {name}.c", hint)
    env["CPPPATH"] = [f"#{output}", as_node(folder), *env["CPPPATH"]]
    _flags(env, layout)
    _kernel_types(env, layout)
    if layout.flat:  # others do not strip, and attach uprobes to functions of their own
        env["STRIPFLAGS"] = ["--strip-debug"]
    # bpftool's own choice, which others' sources rely on, or the plain name.
    env.SetDefault(SKELETON_SUFFIX="_bpf" if layout.flat else "")
    env.AddMethod(_generate, "Generate")
    env.AddMethod(_macros, "Macros")
    if os.path.exists(f"{folder}/SConscript"):
        _exceptions(env, f"{folder}/SConscript", name)
    if env["TOOLCHAIN"].libc != "bionic":  # which knows the phone's time zone itself
        env.Append(LINKFLAGS=["-Wl,-u,droidbpf_timezone"])
    linked, skeletons = _bpf_side(env, name, programs, units)
    objects = [_user_side(env, output, s, units) for s in sources if not s.endswith(BPF)]
    objects += env.ExternalBtf(name, linked)
    env.BtfReport(name, linked)
    program = env.TargetProgram(f"#{output}/{name}", [*objects, *env["LIBRARIES"]])
    env.Requires(program, env["THIRD_PARTY"].states)
    return skeletons, program


def _sources(folder, stem):
    """Give the names of an app's sources, sorted: all of its folder, or those of one stem."""
    if stem:
        names = (f"{stem}{suffix}" for suffix in (BPF, *USER_SPACE))
        return [name for name in names if os.path.isfile(f"{folder}/{name}")]
    with os.scandir(folder) as entries:
        names = (e.name for e in entries if e.name.endswith(USER_SPACE) and e.is_file())
        return sorted(name for name in names if name[0] != ".")  # editors' and macOS's


def _kernel_types(env, layout):
    """Let the app see a vmlinux.h of its folder, or of its architecture in a flat folder."""
    folder = env["FOLDER"]
    arch = f"{folder}/{TARGET_ARCH[env['ARCH']]}"
    if os.path.exists(f"{folder}/vmlinux.h"):
        env["VMLINUX"] = env.File(as_node(f"{folder}/vmlinux.h")) if layout.flat else None
    elif layout.flat and os.path.exists(f"{arch}/vmlinux.h"):
        env["VMLINUX"] = env.File(as_node(f"{arch}/vmlinux.h"))
        env["CPPPATH"] = [*env["CPPPATH"][:2], as_node(arch), *env["CPPPATH"][2:]]


def _exceptions(env, script, name):
    """Run an app's SConscript with its environment and its name; tell a fault in one line."""
    try:
        env.SConscript(as_node(script), exports={"env": env, "name": name})
    except DroidbpfError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename == os.path.abspath(script)]
        line = lines[-1] if lines else getattr(error, "lineno", "") or "1"
        text = str(error).partition("\n")[0]
        told = f"{script}:{line}: {type(error).__name__}: {text}"
        raise DroidbpfError(
            told, "docs/reference/app-folders.md lists what a SConscript may set"
        ) from None


def _bpf_side(env, name, programs, units):
    """Give the linked objects and skeletons of an app: of each .bpf.c, or one of all."""
    compiled = {}
    for program in programs:
        path = f"{env['FOLDER']}/{program}"
        stem = program.removesuffix(BPF)
        flags, made = env.Precompiled(env["VMLINUX"], path) if env["VMLINUX"] else ([], [])
        target = f"#{env['OUTPUT']}/{stem}.tmp.bpf.o"
        (node,) = env.BpfTmpObject(target, as_node(path), PCHFLAGS=flags)
        env.Depends(node, made)
        units.append((env, "BPFCOM", node))
        compiled[stem] = [node]
    if env["BPF_OBJECTS"] not in ("each", "one"):
        raise DroidbpfError(f"BPF_OBJECTS={env['BPF_OBJECTS']}", "it may be each, or one")
    suffix = env["SKELETON_SUFFIX"]
    if not isinstance(suffix, str) or not re.fullmatch(r"\w*", suffix, re.ASCII):
        hint = "it ends the name of a C struct: letters, digits and _"
        raise DroidbpfError(f"SKELETON_SUFFIX={suffix}", hint)
    if env["BPF_OBJECTS"] == "one":
        compiled = {name: [node for nodes in compiled.values() for node in nodes]}
    linked, skeletons = [], []
    for stem, nodes in compiled.items():
        linked += env.BpfObject(f"#{env['OUTPUT']}/{stem}.bpf.o", nodes)
        skeletons += env.BpfSkeleton(
            f"#{env['OUTPUT']}/{stem}.skel.h",
            linked[-1],
            SKELETON=_identifier(stem) + suffix,
        )
        if os.path.exists(hiding := f"{env['FOLDER']}/{stem}.skel.h"):
            told = "hides the skeleton that is made, and may be of another program: remove it"
            print(f"warning: {hiding} {told}", file=sys.stderr)
    return linked, skeletons


def _user_side(env, output, source, units):
    """Give the object of a .c, .cc or .cpp file."""
    stem, _, suffix = source.rpartition(".")
    path = f"{env['FOLDER']}/{source}"
    if suffix != "c":
        _need_cxx(env, path)
        env["LINKER"], env["LINKER_ID"] = "$CXX", "$CXX_ID"
        stem = source  # beside a .c of its name it has an object of its own
    (node,) = env.TargetObject(f"#{output}/{stem}.o", as_node(path))
    units.append((env, "CCCOM" if suffix == "c" else "CXXCOM", node))
    return node


def common(env, layout):
    """Give the library of what the apps share, none where there is nothing."""
    folder = layout.apps_dir
    sources = [source for source in layout.common if not is_program(f"{folder}/{source}")]
    if not layout.flat and os.path.isdir(f"{folder}/{COMMON}"):
        folder = f"{folder}/{COMMON}"
        sources = [source for source in _sources(folder, "") if not source.endswith(BPF)]
        env["CPPPATH"] = [*env["CPPPATH"], as_node(folder)]
    if not sources:
        return []
    output = f"{env['VARIANT']}/apps/{COMMON}"
    units = env["COMPILED"]
    own = _flags(env.Clone(FOLDER=folder, PLACE=_place(layout)), layout)
    if layout.flat:
        own["CPPPATH"] = [as_node(folder), *env["CPPPATH"]]
    archive = f"#{output}/libcommon.a"
    try:
        objects = [_user_side(own, output, source, units) for source in sources]
    except DroidbpfError as error:
        return _failing(env, archive, error)
    env["LINKER"], env["LINKER_ID"] = own["LINKER"], own["LINKER_ID"]  # g++ if any of it is C++
    return env.TargetLibrary(archive, objects)


def _place(layout):
    """Tell by a word an apps' folder outside the tree: clang describes absolute paths otherwise."""
    return "outside" if os.path.isabs(layout.apps_dir) else ""


def _flags(env, layout):
    """Add the flags of user space code to an environment, and give it."""
    env.Append(CCFLAGS=[*OPTIMIZE[env["mode"]], "-Wall"])
    if not layout.flat:  # what others wrote is held to what they hold it to
        env.Append(CCFLAGS=["-Wextra"], CFLAGS=["-std=gnu11"])
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
    name = "".join(letter if letter.isalnum() else "_" for letter in stem)
    return f"_{name}" if name[0].isdigit() else name


def _generate(env, header, script, sources):
    """Make a header of the app by a Python script of its folder: script HEADER LABEL=SOURCE…

    Args:
        sources: {label: a file of the app's folder, or a node}.
    """
    folder = as_node(env["FOLDER"])
    inputs = [f"{folder}/{s}" if isinstance(s, str) else s for s in (script, *sources.values())]
    labelled = [f"{label}=${{SOURCES[{i}]}}" for i, label in enumerate(sources, start=1)]
    return env.Command(f"#{env['OUTPUT']}/{header}", inputs, env["GENERATE"], LABELLED=labelled)


def _macros(env, header):
    """Make a file of the macros that a header of the target's C library defines."""
    name = header.replace("/", "_")
    path = f"#{env['OUTPUT']}/{name}.macros"
    made = env.Command(path, "#toolchains/empty.c", env["MACROS"], HEADER=header)
    reported(made, [], env)
    env.Requires(made, env["SET_UP"])
    return made[0]
