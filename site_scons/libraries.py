"""Libraries that are one node, and whose steps are not declared, while they are up to date."""

from SCons.Script import Action, GetOption

import state
from steps import user_errors

# Code that runs once, at the start of a program: few bytes count for more than speed.
SMALL = ("-Os", "-g", "-Wall", "-Wextra", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")


def own_files(folder):
    """Return the files of a library's folder."""
    return sorted(f for f in folder.iterdir() if f.is_file() and f.name[0] not in ".#")


def settings(env):
    """Return the settings of an environment that are part of a library's key."""
    return [str(env[variable]) for variable in ("CCCOM", "ARCOM", "CCFLAGS", "TOOLCHAIN_ID")]


def settled(env, state_file, key, archive, declare):
    """Return the node of a library's archive, a plain file where it is up to date.

    Args:
        key: what the archive depends on.
        declare: declares how it is built, and returns the nodes of the archive and of what else
            others use of it; called where the state file does not say that it is up to date.
    """
    if state.up_to_date(state_file, key) and not GetOption("clean"):
        return env.File(f"#{archive}")
    built = declare()
    recorded = env.Command(f"#{state_file}", built, Action(user_errors(_record), None), KEY=key)
    env["THIRD_PARTY"].states += env.AlwaysBuild(recorded)
    return built[0]


def _record(target, source, env):
    files = [str(node) for node in source]
    state.record(str(target[0]), env["KEY"], files, [files[0], *map(str, source[0].sources)])


def own_library(env, path, files, uses=()):
    """Return the node of a library that is made of C files of this project, and its key.

    Args:
        path: where it is built, without the suffix.
        files: its sources and headers.
        uses: the keys of the libraries whose headers it includes.
    """
    own = env.Clone()
    own.Append(CCFLAGS=SMALL, CFLAGS=["-std=gnu11"])
    key = state.key(files, *settings(own), *uses)
    folder = path.rpartition("/")[0]

    def declare():
        sources = [file for file in files if file.suffix == ".c"]
        objects = [own.TargetObject(f"#{folder}/{s.stem}.o", f"#{s}") for s in sources]
        return own.TargetLibrary(f"#{path}.a", objects)

    return settled(env, f"{path}.state", key, f"{path}.a", declare), key
