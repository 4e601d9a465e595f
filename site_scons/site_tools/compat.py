"""Tool: what a libc lacks that programs written for glibc use. Adds env.Compat().

gnulib's argp and obstack, and toolchains/compat: a folder of headers and sources for each libc.
"""

from pathlib import Path

from libraries import own_library

SOURCES = "toolchains/compat"
OFFERED = "build/third_party/compat"


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
    files = sorted(folder.rglob("[!.]*.[ch]"))
    library, key = own_library(env, f"{env['VARIANT']}/compat/libcompat", files)
    env["THIRD_PARTY"].keys["compat"] = key  # the runtime's includes go through these headers
    return [argp, library]
