"""The tools of a build: one file each, with generate(env), its builders and its options."""

from site_tools import (
    app,
    bpf,
    bpftool,
    btf,
    compat,
    compile_commands,
    console,
    external_btf,
    run,
    source_archive,
    target,
)

# Each uses what those before it add: console the form of all steps; bpftool, which may be built
# with a toolchain of its own, an environment without the target's.
TOOLS = (
    *(console, bpftool, target, source_archive, btf, bpf, compat, external_btf),
    *(app, run, compile_commands),
)
# In the order of the help.
OPTIONS = [
    option
    for tool in (target, app, bpftool, external_btf, source_archive, run, console)
    for option in tool.OPTIONS
]
