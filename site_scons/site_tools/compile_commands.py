"""Tool: build/compile_commands.json, which clangd and editors look for. Adds
env.CompileCommands(), which lists the user space and BPF sources of apps in it.
"""

import json

from SCons.Script import Action

from base.files import write_atomically
from steps import user_errors

FILE = "build/compile_commands.json"


def generate(env):
    env.AddMethod(compile_commands, "CompileCommands")


def compile_commands(env, compiled):
    """Return the target compile_commands.json.

    Its text is a source: the file is written again only when a command changes.

    Args:
        compiled: (environment, name of the variable that holds its command, object node) of each.
    """
    entries = sorted((_entry(*unit) for unit in compiled), key=lambda entry: entry["output"])
    text = env.Value(json.dumps(entries, indent=1) + "\n")
    made = env.Command(f"#{FILE}", text, Action(user_errors(_write), f"  GEN      {FILE}"))
    return env.Alias("compile_commands.json", made)


def _entry(env, command, node):
    # The file must not depend on the terminal, and editors use another clang than the build.
    plain = {"COLOUR": [], "PCHFLAGS": [], "DEPFLAGS": []}
    words = env.subst_list(f"${command}", target=[node], source=node.sources, overrides=plain)[0]
    return {
        "directory": env["ROOT"],
        "file": node.sources[0].abspath,
        "arguments": [str(word).removesuffix(".tmp") for word in words],
        "output": str(node),
    }


def _write(target, source, env):
    write_atomically(str(target[0]), source[0].get_contents())
