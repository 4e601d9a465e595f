"""Tool: apps. Adds env.App(), which turns a folder of sources into one program.

<name>.bpf.c and every other .bpf.c of the folder become skeletons, every .c, .cc and .cpp an
object. A SConscript in the folder is for exceptions: it gets the app's own `env`, and there
env.Generate() and env.Macros() make headers. What apps share is in the folder _common beside them:
its .c files are a library for all of them.
"""

import os

from fetch.errors import DroidbpfError
from selection import as_node

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
        "$CC $CCFLAGS -E -dM -include $HEADER -x c /dev/null > ${TARGET}.tmp",
        identity="TOOLCHAIN_ID",
    )
    env.AddMethod(app, "App")
    env.AddMethod(common, "CommonOfApps")


def app(env, name, folder):
    """Make a target of an app's name, a default one; give the node of its program.

    Args:
        name: the app's name, which its main .bpf.c and its program bear.
        folder: where its sources are.
    """
    sources = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    if f"{name}.bpf.c" not in sources:
        raise DroidbpfError(
            f"{folder} has no {name}.bpf.c", f"an app {name} needs {name}.bpf.c and {name}.c"
        )
    output = f"{env['VARIANT']}/apps/{name}"
    units = env["COMPILED"]  # a clone copies it
    env = env.Clone(
        OUTPUT=output,
        FOLDER=folder,
        CPPPATH=[f"#{output}", as_node(folder), *env["CPPPATH"]],
    )
    _flags(env)
    env.AddMethod(_generate, "Generate")
    env.AddMethod(_macros, "Macros")
    if "SConscript" in sources:
        env.SConscript(f"{as_node(folder)}/SConscript", exports={"env": env})
    objects, skeletons, programs = [], [], []
    for source in sources:
        stem, _, suffix = source.rpartition(".")
        path = f"{as_node(folder)}/{source}"
        if source.endswith(".bpf.c"):
            stem = stem.removesuffix(".bpf")
            compiled = env.BpfTmpObject(f"#{output}/{stem}.tmp.bpf.o", path)
            units.append((env, "BPFCOM", compiled[0]))
            linked = env.BpfObject(f"#{output}/{stem}.bpf.o", compiled)
            programs += linked
            skeletons += env.BpfSkeleton(
                f"#{output}/{stem}.skel.h", linked, SKELETON=_identifier(stem)
            )
        elif suffix in ("c", "cc", "cpp"):
            # A .cpp beside a .c of its name has an object of its own.
            name_of_object = stem if suffix == "c" else source
            objects += env.TargetObject(f"#{output}/{name_of_object}.o", path)
            units.append((env, "CCCOM" if suffix == "c" else "CXXCOM", objects[-1]))
            if suffix != "c":
                _need_cxx(env, f"{folder}/{source}")
                env["LINKER"] = "$CXX"
    if not objects:
        raise DroidbpfError(f"{folder} has no {name}.c", "an app needs a user space side")
    objects += env.ExternalBtf(name, programs)
    env.BtfReport(name, programs)
    program = env.TargetProgram(f"#{output}/{name}", [*objects, *env["LIBRARIES"]])
    env.Requires(program, env["THIRD_PARTY_STATES"])
    # In the order of what others wait for: archives to extract, the long chain to a skeleton.
    env.Default(env.Alias(name, [*env["THIRD_PARTY_FETCHED"], *skeletons, *program]))
    return program[0]


def common(env):
    """Give the library of what the apps share, none where their folder has no _common."""
    folder = f"{env['apps_dir']}/{COMMON}"
    if not os.path.isdir(folder):
        return []
    env["CPPPATH"] = [*env["CPPPATH"], as_node(folder)]
    output = f"#{env['VARIANT']}/apps/{COMMON}"
    units = env["COMPILED"]
    env = _flags(env.Clone())
    objects = [
        env.TargetObject(f"{output}/{source[:-2]}.o", f"{as_node(folder)}/{source}")[0]
        for source in sorted(os.listdir(folder))
        if source.endswith(".c")
    ]
    units += [(env, "CCCOM", node) for node in objects]
    return env.TargetLibrary(f"{output}/libcommon.a", objects)


def _flags(env):
    """Add the flags of user space code to an environment, and give it."""
    env.Append(CCFLAGS=[*OPTIMIZE[env["mode"]], "-Wall", "-Wextra"], CFLAGS=["-std=gnu11"])
    return env


def _need_cxx(env, source):
    if not env["CXX"]:
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
    return env.Command(f"#{env['OUTPUT']}/{name}.macros", [], env["MACROS"], HEADER=header)[0]
