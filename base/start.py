"""Run a package's command so that Ctrl-C and SIGTERM end it in one line from the first moment.

    python base/start.py PACKAGE ARGUMENTS…

`./dev` runs this with both signals blocked, if its env(1) can: they wait while Python starts, and
arrive once there are handlers. Until the package installs its own, as base.cli and
base.interrupts do, the process ends at once. The working folder stays the caller's.
"""

import os
import runpy
import signal
import sys

WORDS = {signal.SIGINT: b"interrupted", signal.SIGTERM: b"terminated"}
HAVE_THEIR_OWN = ("SCons",)  # to the very end, by base.interrupts


def handle_signals() -> None:
    """End this process in one line at SIGINT and SIGTERM; what is ignored stays ignored."""
    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORDS)


def _end(number: int, _: object) -> None:
    os.write(2, b"error: %s\n" % WORDS[signal.Signals(number)])
    os._exit(128 + number)


if __name__ == "__main__":
    handle_signals()
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[: not sys.flags.safe_path] = [checkout]  # in place of base, which Python put first
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        if sys.argv[0] not in HAVE_THEIR_OWN:
            handle_signals()
