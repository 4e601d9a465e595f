"""What a build prints at its end: each failure once more, and why programs were not built."""

import atexit
import os
import re
import shlex
import sys

from SCons.Node import executed, no_state, up_to_date
from SCons.Node.FS import File
from SCons.Script import GetBuildFailures, GetOption

import spawn

REASON = re.compile(r"\berror:|undefined reference|undefined symbol|cannot find|not found")

_expected = {}  # program's name -> its node


def expect(env, name, program):
    """Print at the end why a program was not built, where others were (-k)."""
    _expected[name] = program


def print_at_exit():
    """Print the summary when SCons has printed everything else."""
    atexit.register(_print)


def _print():
    sys.stdout.flush()
    failures = list(GetBuildFailures())
    for message in dict.fromkeys(map(_message, failures)):
        print(message, end="\n" if message else "", file=sys.stderr)
    for cache in filter(None, {_suspected(*printed) for printed in spawn.failed.values()}):
        hint = f"hint: if zig's cache is damaged, remove it: rm -r {shlex.quote(cache)}"
        print(hint, file=sys.stderr)
    if failures and GetOption("keep_going"):
        for name, program in sorted(_expected.items()):
            if why := _why_not(program, failures):
                print(f"not built: {name}: {why}", file=sys.stderr)


def _why_not(program, failures):
    """Return why a program was not built, in one line; "" where it was."""
    if program.get_state() in (no_state, up_to_date, executed):
        return ""
    folder = f"{os.path.dirname(str(program))}/"
    own = [failure for failure in failures if _target(failure).startswith(folder)]
    first = (own or failures)[0]
    if message := getattr(first, "message", "") or (not _words(first) and _message(first)):
        reason = message.partition("\n")[0].removeprefix("error: ").rstrip(":")
    else:
        output, _ = spawn.failed.get(tuple(_words(first)), ("", {}))
        reason = _cause(output) or f"status {first.status}"
    return reason if own else f"{_target(first)} was not built: {reason}"


def _message(failure):
    """Return what to print about a failure."""
    if hasattr(failure, "message"):
        return failure.message
    words = _words(failure)
    if not words:  # SCons could not even start the step
        hint = "is there a folder, or nothing, where a file belongs?"
        return f"error: {_target(failure)} was not built: {failure.errstr}\nhint: {hint}"
    program = os.path.basename(words[0])
    files = [source for source in failure.node.sources if isinstance(source, File)]
    inputs = ", ".join(map(str, files[:3] or [failure.node]))
    command = shlex.join(words).replace(" '>' ", " > ")
    return (
        f"error: {program} failed on {inputs} (status {failure.status})\n"
        f"hint: its messages are above; the command was: {command}"
    )


def _target(failure):
    """Return the path of the first target of the step that failed."""
    return str(failure.node[0] if isinstance(failure.node, list) else failure.node)


def _words(failure):
    """Return the words of the command that failed; none where it was no command."""
    return spawn.words(failure.command) if isinstance(failure.command, list) else []


def _lines(output):
    return [line for line in spawn.COLOUR.sub("", output).splitlines() if line]


def _cause(output):
    """Return the first line in which a compiler or linker says why it failed."""
    lines = _lines(output)
    causes = [line for line in lines if REASON.search(line)] or lines
    return causes[0].strip() if causes else ""


def _suspected(output, environment):
    """Return zig's cache if a command failed on a file in it; "" otherwise."""
    cache = environment.get("ZIG_GLOBAL_CACHE_DIR", "")
    lines = [line for line in _lines(output) if not line.startswith(">>>")]
    damaged = any(f"{cache}/" in line or "failed to check cache" in line for line in lines)
    return cache if cache and damaged else ""
