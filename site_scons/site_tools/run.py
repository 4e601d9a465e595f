"""Tool: running an app. Adds env.RunAfterBuild(): arm64 apps run in a virtual machine, others here.

The app takes SCons's place when all is built: signals reach it, and its exit status is ours.
"""

import atexit
import os
import shlex
import signal
import sys

from SCons.Script import Action

from base import launch
from base.errors import DroidbpfError, printable

OPTIONS = (
    ("kernel", "for run: 5.10, 6.1, 6.12 or the path of an arm64 Image", "5.10", ()),
    ("args", "for run: the app's arguments", "", ()),
)
A_DAY_S = 86400  # a tracer runs until it is stopped


def generate(env):
    env.SetDefault(DEMO_ARGS="")
    env.AddMethod(run_after_build, "RunAfterBuild")


def run_after_build(env, program):
    """Return the target `run` of a program: with args=, else with its app's $DEMO_ARGS."""
    env = program.get_build_env()
    try:
        arguments = shlex.split(env["args"] or env["DEMO_ARGS"])
    except ValueError as error:
        raise DroidbpfError(f"args={env['args']}: {error}", "quote it as for a shell") from None
    if env["ARCH"] == "arm64":
        _refuse_early(env)
    ready = []
    atexit.register(lambda: ready and _become(env, str(program), arguments))
    target = env.Alias("run", program, Action(lambda *_, **__: ready.append(True), None))
    return env.AlwaysBuild(target)


def _refuse_early(env):
    """Refuse what could not run before anything is built for it."""
    from vm import kernels, qemu

    if env["link"] != "static":
        raise DroidbpfError("run needs link=static", "the virtual machine has no shared libc")
    kernels.refuse_unknown(env["kernel"])
    qemu.find(env["ENV"]["PATH"])


def _become(env, program, arguments):
    """Put the app in this process's place, or the virtual machine that runs it; never returns."""
    command = [os.path.abspath(program), *arguments]
    if env["ARCH"] == "arm64":
        options = ["--demo", f"--timeout={A_DAY_S}", f"--kernel={env['kernel']}"]
        options += [f"--mirror={env['mirror']}", *(["--offline"] if env["offline"] == "1" else [])]
        command = [sys.executable, "base/launch.py", "-m", "vm", "run", *options, *command]
        signal.pthread_sigmask(signal.SIG_BLOCK, launch.WORDS)  # until launch.py can handle them
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and so would the app
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"error: cannot run {printable(program)}: {error.strerror}", file=sys.stderr)
        os._exit(2)
