"""Tool: what a libc lacks that programs written for glibc use. Adds env.Compat().

gnulib's argp and obstack, and toolchains/compat: a folder of headers and sources for each libc.
"""

from pathlib import Path

import state
from site_tools.source_archive import settings, settled

SOURCES = "toolchains/compat"
OFFERED = "build/third_party/compat"
SMALL = ("-Os", "-g", "-Wall", "-Wextra", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")


def exists(env):
    return True


def generate(env):
    env.AddMethod(compat, "Compat")


def compat(env):
    """Return the nodes of the libraries to link last, as they use each other; none for glibc.

    Their headers go on the include path: before the libc's own, which some of them complete.
    """
    libc = env["TOOLCHAIN"].libc
    if libc == "glibc":
        return []
    argp = env.ThirdParty("gnulib", "gnulib", "libgnulib.a", [])
    folder = Path(SOURCES, libc)
    env["CPPPATH"] = [*env["CPPPATH"], f"#{SOURCES}/common", f"#{folder}", f"#{OFFERED}"]
    return [argp, _library(env, folder)]


def _library(env, folder):
    """Return the node of libcompat.a, made of a libc's folder."""
    output = f"{env['VARIANT']}/compat"
    own = env.Clone()
    own.Append(CCFLAGS=SMALL, CFLAGS=["-std=gnu11"])
    files = sorted(folder.rglob("[!.]*.[ch]"))

    def make():
        objects = [
            own.TargetObject(f"#{output}/{file.stem}.o", f"#{file}")
            for file in files
            if file.suffix == ".c"
        ]
        return own.TargetLibrary(f"#{output}/libcompat.a", objects)

    key = state.key(files, *settings(own))
    env["THIRD_PARTY"].keys["compat"] = key  # the runtime's includes go through these headers
    return settled(env, f"{output}/libcompat.state", key, f"{output}/libcompat.a", make)
