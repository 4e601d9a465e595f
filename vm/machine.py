"""Boots a kernel in QEMU, runs commands in it, returns their output, status and the kernel log."""

import contextlib
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from base.errors import DroidbpfError
from base.settings import Settings
from vm import initramfs, kernels, qemu
from vm.session import Result, Session, Stream, StreamName
from vm.verdict import INTERRUPT, TIMEOUT, GuestError, Results, check

__all__ = ["DEMO_WORKLOAD", "GuestError", "Result", "Results", "run", "terminal"]

# Makes a few syscalls in a loop: something for a tracer to see on an idle guest.
DEMO_WORKLOAD = "while :; do cat /proc/loadavg; ls /; sleep 0.2; done"

# A panic ends QEMU (with -no-reboot); without the self-tests of the ciphers it boots 0.3 s faster.
KERNEL_LINE = "console=ttyAMA0 panic=-1 cryptomgr.notests"
POWER_OFF_S = 5.0
READ_BYTES = 1 << 18
SOURCES = ("serial", "stdout", "stderr", "control")


class _Stop(Exception):
    """The machine must be stopped before its end: verdict.TIMEOUT or INTERRUPT."""


def terminal(name: StreamName, data: bytes) -> None:
    """Write the guest's output to our own streams, the exact bytes: a value for `stream`."""
    stream = sys.stdout if name == "stdout" else sys.stderr
    stream.buffer.write(data)
    stream.flush()


def run(
    kernel: kernels.Kernel,
    commands: Sequence[Sequence[str]],
    files: Mapping[str, initramfs.FileSource] | None = None,
    *,
    timeout_s: float = 60.0,
    hide_btf: bool = False,
    stream: Stream | None = None,
    memory_mb: int = 512,
    cpus: int = 2,
    env: Mapping[str, str] | None = None,
    workload: str = "",
    settings: Settings | None = None,
) -> Results:
    """Boot the kernel and run the commands in it as root, one after the other.

    The next command runs even if one fails. Processes that a command leaves in the background
    continue while the next ones run. In the main thread, SIGINT is passed to the running command's
    session; a second one, or one before the first command, stops the machine.

    Args:
        kernel: from vm.kernels.kernel().
        commands: programs with their arguments, run without a shell. Their stdin is empty.
        files: absolute guest path → file of this machine (its x bit counts) or bytes (executable).
        timeout_s: seconds for the whole run, including the boot.
        hide_btf: make /sys/kernel/btf an empty folder, so that programs find no BTF of the kernel.
        stream: called with each piece of output as soon as it is written.
        memory_mb: the guest's memory in MiB.
        cpus: the guest's processors. With more than one, a probe in code that another processor
            is running may never fire: 7 of 3000 tracepoints of sched_switch on a busy host. QEMU
            drops its translation before it stores the new instruction (notdirty_write() in
            accel/tcg/cputlb.c), and another processor may translate the old one in between.
        env: added to the commands' environment.
        workload: a shell command that runs in the background, started before the first command.
        settings: for the cache of busybox; by default from the environment.

    Raises:
        GuestError: the kernel reported an error (an oops, a warning …), the time limit passed, or
            the guest ended before its commands did; it carries the results so far.
        DroidbpfError: QEMU is missing or too old, or an argument is not possible.
    """
    mark = f"<{secrets.token_hex(16)}>"
    archive = initramfs.build(
        busybox=kernels.busybox(settings or Settings.from_environment()),
        modules=kernel.modules,
        commands=commands,
        files=files or {},
        mark=mark,
        env=env or {},
        hide_btf=hide_btf,
        workload=workload,
    )
    program = qemu.find()
    # A kernel, the archive, and its files in a tmpfs, which takes at most half of the memory.
    needed_mb = 160 + 3 * (len(archive) >> 20)
    if memory_mb < needed_mb:
        message = f"{len(archive) >> 20} MiB of files are too much for {memory_mb} MiB of memory"
        raise DroidbpfError(message, f"the guest needs at least {needed_mb} MiB")
    deadline = time.monotonic() + timeout_s
    session = Session(commands, mark, stream)
    stopped = ""
    with contextlib.ExitStack() as stack:
        # Files without a name: nothing is left behind even if we are killed.
        initrd = stack.enter_context(os.fdopen(os.memfd_create("initrd"), "wb"))
        qemu_log = stack.enter_context(tempfile.TemporaryFile())
        initrd.write(archive)
        initrd.flush()
        ours, theirs = zip(*(socket.socketpair() for _ in SOURCES), strict=True)
        for end in ours:
            stack.enter_context(end)
        line = qemu.command(
            program,
            image=kernel.image,
            initrd=Path(f"/proc/self/fd/{initrd.fileno()}"),
            append=KERNEL_LINE,
            memory_mb=memory_mb,
            cpus=cpus,
            serial=theirs[0].fileno(),
            ports=[end.fileno() for end in theirs[1:]],
        )
        process = _start(line, theirs, initrd, qemu_log)
        try:
            _follow(session, dict(zip(SOURCES, ours, strict=True)), deadline)
        except _Stop as stop:
            stopped = stop.args[0]
        finally:
            process.kill()
            status = process.wait()
        session.close()
        qemu_log.seek(0)
        qemu_output = qemu_log.read().decode(errors="replace").strip()
    log = session.kernel_log()
    results = Results(session.results(), log, session.release, session.channel)
    check(session, results, stopped, timeout_s, status, qemu_output)
    return results


def _start(
    line: Sequence[str], theirs: Sequence[socket.socket], initrd: IO[bytes], log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    """Start QEMU in a session of its own, so that a terminal's Ctrl-C is ours to handle."""
    try:
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[initrd.fileno(), *(end.fileno() for end in theirs)],
            start_new_session=True,
        )
    except OSError as error:
        raise DroidbpfError(f"cannot start {line[0]}: {error.strerror}") from error
    finally:
        for end in theirs:
            end.close()


def _follow(session: Session, sockets: Mapping[str, socket.socket], deadline: float) -> None:
    """Feed the session until QEMU closes its ends.

    Raises:
        _Stop: the time limit passed, or the user interrupted the run.
    """
    with selectors.DefaultSelector() as selector, _interrupts(session, sockets):
        for source, ours in sockets.items():
            selector.register(ours, selectors.EVENT_READ, source)
        acknowledged = False
        while selector.get_map():
            if session.done and not acknowledged:
                _send(session, sockets, b"received\n")
                deadline = min(deadline, time.monotonic() + POWER_OFF_S)
                acknowledged = True
            left = deadline - time.monotonic()
            if left <= 0:
                if session.done:
                    return
                raise _Stop(TIMEOUT)
            for key, _ in selector.select(left):
                if data := _receive(sockets[key.data]):
                    session.feed(key.data, data)
                else:
                    selector.unregister(key.fileobj)


def _receive(ours: socket.socket) -> bytes:
    try:
        return ours.recv(READ_BYTES)
    except ConnectionResetError:
        return b""


def _send(session: Session, sockets: Mapping[str, socket.socket], line: bytes) -> None:
    """Send a line to the guest's init."""
    to_guest = sockets["serial" if session.channel == "serial" else "control"]
    with contextlib.suppress(OSError):  # QEMU may have just ended
        to_guest.sendall(line)


@contextlib.contextmanager
def _interrupts(session: Session, sockets: Mapping[str, socket.socket]) -> Iterator[None]:
    """Pass the first SIGINT to the guest's command, and stop at the second."""
    passed = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal passed
        if passed or not session.running:
            raise _Stop(INTERRUPT)
        passed = True
        _send(session, sockets, b"interrupt\n")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
