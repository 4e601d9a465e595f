"""How the command of a step runs: without a shell, its output printed in one piece."""

import json
import os
import re
import subprocess
import sys
import threading
import time

from SCons.Taskmaster.Job import Jobs

import workspace
from base.errors import DroidbpfError, printable, printable_lines

SIGNAL_S = 0.05  # a signal that ended a command reaches this process, too, within this time
COLOURED = "-fdiagnostics-color=always"  # asks a compiler for colours
COLOUR = re.compile(r"(\x1b\[[0-9;]*[mK])")

failed = {}  # words of a command that failed -> what it printed, its variables
_printing = threading.Lock()
_log = None


def keep_signals():
    """Leave SIGINT and SIGTERM to base.interrupts while steps run.

    SCons's own handlers would end the build as one that failed, sometimes before base.interrupts
    ends it. It has no public setting for that.
    """
    Jobs._setup_sig_handler = Jobs._reset_sig_handler = lambda jobs: None


def open_log():
    """Open $DROIDBPF_STEP_LOG, which gets one JSON line for each command.

    Raises:
        DroidbpfError: it cannot be written.
    """
    global _log
    path = os.environ.get("DROIDBPF_STEP_LOG")
    if path and workspace.held():  # else nothing is to be written
        try:
            _log = open(path, "a")  # noqa: SIM115 - until this process ends
        except OSError as error:
            message = f"cannot write {printable(path)}: {error.strerror}"
            raise DroidbpfError(message, "DROIDBPF_STEP_LOG takes a file") from None


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
    printed = _escaped(output, COLOURED in command)
    if status:
        time.sleep(SIGNAL_S)
        failed[command] = (printed, environment)
    if printed:
        with _printing:
            sys.stdout.flush()
            sys.stderr.write(printed)
            sys.stderr.flush()
    return status


def _escaped(output, coloured):
    """Return what a command printed, with control characters escaped, except colours."""
    text = output.decode(errors="surrogateescape")
    parts = COLOUR.split(text) if coloured else [text]
    return "".join(part if i % 2 else printable_lines(part) for i, part in enumerate(parts))


def words(arguments):
    """Return the words of a command without the quotes that SCons puts around those with blanks."""
    found = map(str, arguments)
    return [w[1:-1] if w[:1] == w[-1:] == '"' and (" " in w or "\t" in w) else w for w in found]


def _run(arguments, environment, into):
    """Run a command; return its status (as a shell gives it) and what it printed."""
    began = time.monotonic()
    with open(os.memfd_create("messages"), "w+b") as messages:
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages if into else subprocess.STDOUT,
            pass_fds=workspace.held(),
        )
        output = process.stdout.read()
        _, waited, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(waited)
        if into:  # not by the command: bpftool does not notice that the disk is full
            with open(into, "wb") as file:
                file.write(output)
            messages.seek(0)
            output = messages.read()
    if _log:
        _add_to_log(arguments, began, usage.ru_utime + usage.ru_stime)
    status = process.returncode
    return (128 - status if status < 0 else status), output


def _add_to_log(arguments, began_s, cpu_s):
    """Append one JSON line about a command that has just ended."""
    wall_s = time.monotonic() - began_s
    line = json.dumps({"command": arguments, "began_s": began_s, "wall_s": wall_s, "cpu_s": cpu_s})
    with _printing:
        print(line, file=_log, flush=True)
