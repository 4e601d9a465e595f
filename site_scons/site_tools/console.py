"""Tool: how steps run and look. Adds env.Step() and env.Expect().

A step prints eight columns for its name, then its file; V=1 prints whole commands. The output of
one command is printed in one piece. At the end, failures are printed once more; with -k, each
program of env.Expect() that was not built has a line that says why.
"""

import sys

import spawn
import steps
import summary
from base.progress import plain_terminal

OPTIONS = (("V", "print whole command lines", "0", ("0", "1")),)


def generate(env):
    env["ESCAPE"] = str
    env["SPAWN"] = spawn.run_step
    spawn.keep_signals()
    spawn.open_log()
    env["SHORT"] = env["V"] == "0"
    coloured = sys.stderr.isatty() and not plain_terminal()
    env["COLOUR"] = [spawn.COLOURED] if coloured else []
    env.AddMethod(steps.step, "Step")
    env.AddMethod(summary.expect, "Expect")
    sys.stdout.reconfigure(line_buffering=True)  # a signal ends us without a flush
    summary.print_at_exit()
