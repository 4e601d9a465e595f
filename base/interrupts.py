"""Ctrl-C and SIGTERM in a process of many threads: one line, and no process is left.

Python handles signals in the main thread, which may be waiting for a thread that waits for a
compiler, and a KeyboardInterrupt there can interrupt any statement. Here the main thread stops, and
a thread of its own ends the process: nothing is cleaned up, just as after a SIGKILL.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import time

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
HINT = "finished steps are kept: run the same command to continue"


def watch() -> None:
    """End this process, and those it started, at SIGINT or SIGTERM; call it from the main thread.

    A signal that is ignored, as SIGINT in a shell's background job, stays ignored. A second call
    does nothing.
    """
    if _wait_for_the_end in map(signal.getsignal, WORDS):
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _wait_for_the_end)
    _thread.start_new_thread(_end_at_signal, (reader,))


def _wait_for_the_end(*_: object) -> None:
    """Stop the main thread: Python has written the number of the signal to the pipe."""
    while True:
        time.sleep(1)


def _end_at_signal(reader: int) -> None:
    number = os.read(reader, 1)[0]
    text = f"error: {WORDS[signal.Signals(number)]}\nhint: {HINT}\n"
    below = _descendants(os.getpid())
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
    for pid in below:  # last: no other thread may see that its child has ended
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    os._exit(128 + number)


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process and its threads started, and those that these did."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
    return found + [below for child in found for below in _descendants(child)]
