"""Tool: how steps run and look. Adds env.Step(), which makes an action of a command.

A step prints eight columns for its name, then its file; V=1 prints whole commands. It writes
${TARGET}.tmp and is renamed when it is done, so that what a failed or killed command leaves is
never taken for its result. Commands run without a shell; of its syntax only `> FILE` is known.
The output of one command is printed in one piece. At the end, failures are told once more; with -k,
each program of env.Expect() that was not made has a line that says why.
"""

import atexit
import contextlib
import functools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

from SCons.Action import _callable_contents
from SCons.Errors import BuildError
from SCons.Node import executed, no_state, up_to_date
from SCons.Script import Action, GetBuildFailures, GetOption

import workspace
from base.errors import DroidbpfError

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
REASON = re.compile(r"\berror:|undefined reference|undefined symbol|cannot find|not found")

_printing = threading.Lock()
_expected = {}  # program's name -> its node
_suspected = set()  # caches of zig's that a failure of it named
_reasons = {}  # words of a command that failed -> the first line in which it says why


def exists(env):
    return True


def generate(env):
    env["ESCAPE"] = str
    env["SPAWN"] = _spawn
    env["SHORT"] = env["V"] == "0"
    env["COLOUR"] = ["-fdiagnostics-color=always"] if _colour() else []
    env.AddMethod(step, "Step")
    env.AddMethod(expect, "Expect")
    _signals()
    atexit.register(_summary)


@functools.cache
def _signals():
    """Give a file descriptor that holds the numbers of the signals that came.

    SCons handles SIGINT by itself, and with -Q does not say so.
    """
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _came():
    """Give the numbers of the signals that came since the last call."""
    with contextlib.suppress(BlockingIOError):
        return set(os.read(_signals(), 4096))
    return set()


def _pass_on():
    """Send the signals that came to the main thread, which alone heeds them.

    It waits for the others to end: a signal that one of these got does not wake it.
    """
    for number in _came():
        signal.pthread_kill(threading.main_thread().ident, number)


def _colour():
    """Tell whether compilers may colour what they say: it goes to a terminal that wants it."""
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def step(env, name, label, *commands, identity="", before=None, after=None):
    """Give the actions of a step.

    Args:
        name: $<name>COM holds the (first) command and $<name>COMSTR its short line, so that a
            user of the environment can override either.
        label: what the short line begins with, up to 8 columns.
        commands: command lines, which end with a whole ${TARGET}.tmp.
        identity: the variables that name the tools, and what else is part of the signature.
        before, after: Python functions to run first, and last before the renaming.
    """
    env[f"{name}COMSTR"] = f"  {label:8} $TARGET" if env["SHORT"] else ""
    actions = [Action(user_errors(before), None)] if before else []
    for number, command in enumerate(commands):
        variable = f"{name}COM{number or ''}"
        env[variable] = command
        shown = f"${name}COMSTR" if number == 0 or not env["SHORT"] else None
        actions.append(Action(f"${variable}", shown, varlist=identity.split()))
    if after:
        actions.append(Action(user_errors(after), None))
    return [*actions, Action(user_errors(_commit), None)]


def _commit(target, source, env):
    os.replace(f"{target[0]}.tmp", str(target[0]))


def user_errors(function):
    """Wrap a Python action: what a user can mend is the step's failure, not a bug's traceback."""

    def run(target, source, env):
        try:
            workspace.making(map(str, target))
            return function(target, source, env)
        except DroidbpfError as error:
            told = str(error)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            hint = "hint: is there space left, and may you write there?"
            told = f"error: {target[0]} was not made: {place}{error.strerror}\n{hint}"
        with contextlib.suppress(OSError):
            os.unlink(f"{target[0]}.tmp")
        failure = BuildError(target, "failed", status=2, exitstatus=2)
        failure.told = told
        raise failure

    # SCons takes what a signature holds from get_contents() where that has no code of its own.
    action = functools.partial(run)
    action.get_contents = lambda target, source, env: _contents(function)
    return action


@functools.cache
def _contents(function):
    """Give what a signature holds of a Python action: its code."""
    return _callable_contents(function)


def _spawn(shell, escape, program, arguments, environment):
    arguments = _words(arguments)
    command = tuple(arguments)
    into = None
    if len(arguments) > 2 and arguments[-2] == ">":
        into = arguments[-1]
        arguments = arguments[:-2]
    try:
        status, said = _run(arguments, environment, into)
    except OSError as error:
        status, said = 127, f"{error.filename or arguments[0]}: {error.strerror}\n".encode()
    _pass_on()
    if status:
        _reasons[command] = _reason(said)
        _suspect(environment.get("ZIG_GLOBAL_CACHE_DIR"), said.decode(errors="replace"))
    if said:
        with _printing:
            sys.stdout.flush()
            sys.stderr.buffer.write(said)
            sys.stderr.flush()
    return status


def _suspect(cache, said):
    """Note zig's cache where a failure is one of its files, not of who refers to these."""
    lines = [line for line in said.splitlines() if not line.startswith(">>>")]
    if cache and any(f"{cache}/" in line or "failed to check cache" in line for line in lines):
        _suspected.add(cache)


def _reason(said):
    """Give the line of what a compiler or linker printed that says why it failed."""
    lines = COLOURS.sub("", said.decode(errors="replace")).splitlines()
    telling = [line for line in lines if REASON.search(line)] or [line for line in lines if line]
    return telling[0].strip() if telling else ""


def _words(arguments):
    """Take away the quotes that SCons puts around words with spaces: there is no shell."""
    words = map(str, arguments)
    return [w[1:-1] if w[:1] == w[-1:] == '"' and (" " in w or "\t" in w) else w for w in words]


def _run(arguments, environment, into):
    """Run a command; give its status (as a shell gives it) and what it printed."""
    began = time.monotonic()
    with open(into or os.devnull, "wb") as file:
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file if into else subprocess.PIPE,
            stderr=subprocess.PIPE if into else subprocess.STDOUT,
            pass_fds=workspace.held(),
        )
        said = (process.stderr if into else process.stdout).read()
        _, waited, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(waited)
    if log := os.environ.get("DROIDBPF_STEP_LOG"):
        _log(log, arguments, began, usage.ru_utime + usage.ru_stime)
    status = process.returncode
    return (128 - status if status < 0 else status), said


def _log(log, arguments, began_s, cpu_s):
    """Append one JSON line about a command that has just ended to $DROIDBPF_STEP_LOG."""
    wall_s = time.monotonic() - began_s
    line = json.dumps({"command": arguments, "began_s": began_s, "wall_s": wall_s, "cpu_s": cpu_s})
    with _printing, open(log, "a") as file:
        file.write(line + "\n")


def _summary():
    """Tell of an interrupt, or of each failed step once more, after everything else."""
    sys.stdout.flush()
    if signal.SIGINT in _came():
        print("error: interrupted", file=sys.stderr)
        print("hint: what was made is kept; the same command goes on", file=sys.stderr)
        return
    failures = list(GetBuildFailures())
    for told in dict.fromkeys(map(_told, failures)):
        print(told, end="\n" if told else "", file=sys.stderr)
    for cache in _suspected:
        print(
            f"hint: if zig's cache is damaged, remove it: rm -r {shlex.quote(cache)}",
            file=sys.stderr,
        )
    if failures and GetOption("keep_going"):
        for name, program in sorted(_expected.items()):
            if why := _why_not(program, failures):
                print(f"not built: {name}: {why}", file=sys.stderr)


def expect(env, name, program):
    """Tell at the end why a program was not made, where others go on (-k)."""
    _expected[name] = program


def _why_not(program, failures):
    """Give the reason that a program was not made for, "" where it was, in one line."""
    if program.get_state() in (no_state, up_to_date, executed):
        return ""
    folder = f"{os.path.dirname(str(program))}/"
    own = [failure for failure in failures if str(failure.node).startswith(folder)]
    first = (own or failures)[0]
    if hasattr(first, "told"):
        reason = first.told.partition("\n")[0].removeprefix("error: ").rstrip(":")
    else:
        reason = _reasons.get(tuple(_words(first.command)), "") or f"status {first.status}"
    return reason if own else f"{first.node} was not made: {reason}"


def _told(failure):
    if hasattr(failure, "told"):
        return failure.told
    if not isinstance(failure.command, list):
        return ""  # no command of ours: SCons has said it all
    words = _words(failure.command)
    program = os.path.basename(words[0])
    inputs = ", ".join(map(str, failure.node.sources[:3] or [failure.node]))
    command = shlex.join(words).replace(" '>' ", " > ")
    return (
        f"error: {program} failed on {inputs} (status {failure.status})\n"
        f"hint: its messages are above; the command was: {command}"
    )
