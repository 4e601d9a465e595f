"""Steps: the action of a target, of which nothing half-written remains in the target's place.

A step writes ${TARGET}.tmp, which is renamed when all is done: what a failed or killed command
leaves is never taken for its result.
"""

import contextlib
import os

from SCons.Errors import BuildError
from SCons.Script import Action

import inputs
from base.errors import DroidbpfError


def step(env, name, *commands, identity="", before=None, after=None):
    """Return the action of a step.

    Args:
        name: what the short line begins with, up to 8 columns. $<name>COM holds the (first) command
            and $<name>COMSTR the short line, so that a user of the environment can override either.
        commands: command lines, which write ${TARGET}.tmp, and may report to ${TARGET}.tmp.d what
            they read (see inputs).
        identity: the variables that name the tools, and what else is part of the signature.
        before, after: Python functions to run first, and last before the renaming.
    """
    env[f"{name}COMSTR"] = f"  {name:8} $TARGET" if env["SHORT"] else ""
    actions = [Action(user_errors(before), None)] if before else []
    for number, command in enumerate(commands):
        variable = f"{name}COM{number or ''}"
        env[variable] = command
        shown = f"${name}COMSTR" if number == 0 or not env["SHORT"] else None
        # SCons would make a new action of a variable alone at each use: hence the blank.
        actions.append(Action(f"${variable} ", shown, varlist=identity.split()))
    if after:
        actions.append(Action(user_errors(after), None))
    return Action([*actions, Action(user_errors(_commit), None)])


def _commit(target, source, env):
    path = str(target[0])
    if os.path.exists(f"{path}.tmp.d"):
        inputs.record(path, f"{path}.tmp.d", inputs.decided_ns[path], env["apps_dir"])
    os.replace(f"{path}.tmp", path)


def user_errors(function):
    """Return a function for an action: DroidbpfErrors and OSErrors are failures of its step."""

    def run(target, source, env):
        try:
            return function(target, source, env)
        except DroidbpfError as error:
            message = str(error)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            hint = "hint: is there space left, and may you write there?"
            message = f"error: {target[0]} was not built: {place}{error.strerror}\n{hint}"
        with contextlib.suppress(OSError):
            os.unlink(f"{target[0]}.tmp")
        failure = BuildError(target, "failed", status=2, exitstatus=2)
        failure.message = message
        raise failure

    return run
