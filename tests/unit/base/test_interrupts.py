"""A signal ends a process of many threads with one line, and the processes that it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
START = f"""
import os, subprocess, sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
from base import interrupts
interrupts.watch()
"""
WAITING = {
    "in the main thread": "print(flush=True); time.sleep(60)",
    "for a thread": """
def work():
    print(flush=True)
    time.sleep(60)
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    "for a child's child": """
def work():
    child = subprocess.Popen(["sh", "-c", "sleep 61 & echo; wait"], stdout=subprocess.PIPE)
    child.stdout.readline()
    print(flush=True)
    child.wait()
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    "at exit": "import atexit; atexit.register(lambda: (print(flush=True), time.sleep(60)))",
}
LINES = {signal.SIGINT: "error: interrupted\n", signal.SIGTERM: "error: terminated\n"}


def start(code: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", START + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "\n"
    return process


@pytest.mark.parametrize("code", WAITING.values(), ids=WAITING)
@pytest.mark.parametrize("number", LINES, ids=lambda number: number.name)
def test_a_signal_ends_all_of_it_with_one_line(code: str, number: signal.Signals) -> None:
    process = start(code)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert err.startswith(LINES[number])
    assert err.count("\n") == 2, err
    assert ended(process.pid)


def test_a_signal_that_another_thread_gets_ends_it_too() -> None:
    process = start(WAITING["for a thread"])
    threads = sorted(int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir())
    ctypes.CDLL(None).tgkill(process.pid, threads[-1], signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err[:19]) == (130, "error: interrupted\n")


def test_the_main_thread_does_nothing_more() -> None:
    """It would end the process as one that failed, before the signal does."""
    process = start(
        "interrupts._descendants = lambda pid: time.sleep(1) or []\n"
        "print(flush=True)\n"
        "for _ in range(25): time.sleep(0.02)\n"
        "os._exit(2)"
    )
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err[:19]) == (130, "error: interrupted\n")


def test_an_ignored_signal_stays_ignored() -> None:
    """As a shell has it for jobs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start("print(flush=True); time.sleep(1)")
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


def ended(group: int) -> bool:
    """Return whether a process group has ended, within a moment."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
