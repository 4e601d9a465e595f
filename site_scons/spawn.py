"""How the command of a step runs: without a shell, its output printed in one piece."""

import json
import os
import subprocess
import sys
import threading
import time

import workspace

SIGNAL_S = 0.05  # a signal that ended a command ends this process, too, within this time

failed = {}  # words of a command that failed -> what it printed, its variables
_printing = threading.Lock()


def run_step(shell, escape, program, arguments, environment):
    """Run a command for SCons; return its status. Of a shell's syntax only `> FILE` is known."""
    arguments = words(arguments)
    command = tuple(arguments)
    into = None
    if len(arguments) > 2 and arguments[-2] == ">":
        into = arguments[-1]
        arguments = arguments[:-2]
    try:
        status, output = _run(arguments, environment, into)
    except OSError as error:
        status, output = 127, f"{error.filename or arguments[0]}: {error.strerror}\n".encode()
    if status:
        time.sleep(SIGNAL_S)
        failed[command] = (output, environment)
    if output:
        with _printing:
            sys.stdout.flush()
            sys.stderr.buffer.write(output)
            sys.stderr.flush()
    return status


def words(arguments):
    """Return the words of a command without the quotes that SCons puts around those with blanks."""
    found = map(str, arguments)
    return [w[1:-1] if w[:1] == w[-1:] == '"' and (" " in w or "\t" in w) else w for w in found]


def _run(arguments, environment, into):
    """Run a command; return its status (as a shell gives it) and what it printed."""
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
        output = (process.stderr if into else process.stdout).read()
        _, waited, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(waited)
    if log := os.environ.get("DROIDBPF_STEP_LOG"):
        _log(log, arguments, began, usage.ru_utime + usage.ru_stime)
    status = process.returncode
    return (128 - status if status < 0 else status), output


def _log(log, arguments, began_s, cpu_s):
    """Append one JSON line about a command that has just ended to $DROIDBPF_STEP_LOG."""
    wall_s = time.monotonic() - began_s
    line = json.dumps({"command": arguments, "began_s": began_s, "wall_s": wall_s, "cpu_s": cpu_s})
    with _printing, open(log, "a") as file:
        file.write(line + "\n")
