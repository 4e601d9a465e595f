"""Tool: running an app. Adds env.RunAfterBuild(): arm64 apps run in a virtual machine, others here.

The app runs when SCons has done its work and has given up its hold on signals, so that Ctrl-C
reaches the app, and its exit status is ours.
"""

import atexit
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from SCons.Script import Action

import workspace
from base import interrupts
from base.errors import DroidbpfError

OPTIONS = (
    ("kernel", "for run: 5.10, 6.1, 6.12 or the path of an arm64 Image", "5.10", ()),
    ("args", "for run: the app's arguments", "", ()),
)
A_DAY_S = 86400.0  # a tracer runs until it is stopped


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
    atexit.register(lambda: ready and _run(env, str(program), arguments))
    target = env.Alias("run", program, Action(lambda *_, **__: ready.append(True), None))
    return env.AlwaysBuild(target)


def _refuse_early(env):
    """Refuse what could not run before anything is built for it."""
    from vm import kernels, qemu

    if env["link"] != "static":
        raise DroidbpfError("run needs link=static", "the virtual machine has no shared libc")
    kernels.refuse_unknown(env["kernel"])
    qemu.find(env["ENV"]["PATH"])


def _run(env, program, arguments):
    from base.cli import run_cli

    sys.stdout.flush()
    workspace.unlock()
    interrupts.release()
    run = _guest if env["ARCH"] == "arm64" else _here
    status = run_cli(lambda: run(env, program, arguments))
    sys.stderr.flush()
    os._exit(status)  # within atexit, sys.exit() would be ignored


def _here(env, program, arguments):
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the app's
    status = subprocess.call([os.path.abspath(program), *arguments])
    return 128 - status if status < 0 else status


def _guest(env, program, arguments):
    from base.progress import show_progress
    from vm import kernels, machine

    with show_progress(env["FETCH_SETTINGS"]()) as settings:
        kernel = kernels.kernel(env["kernel"], settings)
        kernels.busybox(settings)
    guest_path = f"/bin/{os.path.basename(program)}"
    results = machine.run(
        kernel,
        [[guest_path, *arguments]],
        {guest_path: Path(program)},
        timeout_s=A_DAY_S,
        stream=machine.terminal,
        workload=machine.DEMO_WORKLOAD,
        settings=settings,
    )
    return results[0].status
