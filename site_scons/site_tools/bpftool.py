"""Tool: bpftool. Sets $BPFTOOL to the one that was found, or to one that is built from source.

What is built runs on this machine: it and its libraries are compiled by a toolchain for it into
build/host-<toolchain>. Adds env.BpftoolFromSource(), which declares how. $BPFTOOL_BUILT is what
the steps that run it depend on: nothing where it was found.
"""

from site_tools import source_archive, target

OPTIONS = (("bpftool", "the machine's, or one built from source", "auto", ("auto", "source")),)


def generate(env):
    tools = env["BPF_TOOLS"]
    env.SetDefault(
        BPFTOOL=env.Literal(tools.bpftool), BPFTOOL_ID=tools.bpftool_identity, BPFTOOL_BUILT=[]
    )
    env.AddMethod(from_source, "BpftoolFromSource")
    if not tools.bpftool:
        env["HOST"] = env.Clone(
            TOOLCHAIN=tools.host,
            VARIANT=f"build/host-{tools.host.name}",
            ARCH=tools.host.arch,
            link="static",
            mode="debug",  # one file, whatever mode the apps are built in
            tools=[target.generate, source_archive.generate],
        )


def from_source(env, libraries):
    """Declare how bpftool is built, where none was found.

    Args:
        libraries: the arguments of env.ThirdParty() for the libraries that it is linked to.
    """
    if "HOST" not in env:
        return
    host = env["HOST"]
    host.Append(LINKFLAGS=["-s"])  # it is in no release, and hashed at each start
    archives = [host.ThirdParty(*library) for library in libraries]
    uses = [pin for _, pin, *_ in libraries]
    program = host.ThirdParty("bpftool", "bpftool", "bpftool", uses, archives[::-1])
    env["BPFTOOL"] = str(program)
    env["BPFTOOL_BUILT"] = [program]
    # Its own archive first: it may be a whole kernel.
    env["THIRD_PARTY"].fetched += host["THIRD_PARTY"].fetched[::-1]
    env["THIRD_PARTY"].states += host["THIRD_PARTY"].states


def run_bpftool(target, source, env):
    """Have the targets of a builder wait for bpftool, and depend on it."""
    env.Depends(target, env["BPFTOOL_BUILT"])
    return target, source
