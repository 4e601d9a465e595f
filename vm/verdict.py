"""Decides from a run's log and end whether it went as it should, and says what happened."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from base.errors import DroidbpfError
from vm import splat
from vm.session import Result, Session

Reason = Literal["timeout", "kernel", "panic", "rebooted", "powered off", "qemu", "interrupted"]

# What the kernel says when it is told to end (kernel/reboot.c).
_ENDS: Mapping[str, Reason] = {
    "reboot: Restarting system": "rebooted",
    "reboot: Power down": "powered off",
}


@dataclass(frozen=True)
class Results:
    """What a run gave; `results[0]` is the first command's.

    Attributes:
        commands: one result for each command that ended, in their order.
        kernel_log: the kernel's messages.
        release: the kernel's `uname -r`.
        channel: "virtio", or "serial" where stdout and stderr share one stream.
        boot_s: seconds from the start of QEMU to the first command.
        wall_s: seconds from the start of QEMU to its end.
    """

    commands: tuple[Result, ...]
    kernel_log: str
    release: str
    channel: str
    boot_s: float
    wall_s: float

    def __getitem__(self, index: int) -> Result:
        """Give the result of the command with this index."""
        return self.commands[index]


class GuestError(DroidbpfError):
    """A run that did not end as it should.

    Attributes:
        reason: what happened, in a word for programs.
        results: what the run gave until then.
    """

    def __init__(self, reason: Reason, message: str, results: Results, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason: Reason = reason
        if reason == "interrupted":
            self.status = 128 + signal.SIGINT
        self.results = results


def check(
    session: Session,
    results: Results,
    stopped: Reason | None,
    timeout_s: float,
    qemu_status: int,
    qemu_said: str,
) -> None:
    """Raise the GuestError that the run deserves, if any."""
    log = results.kernel_log
    report = splat.find(log)
    if report and "Kernel panic - not syncing" in log:
        raise GuestError("panic", f"the kernel panicked:\n{report}", results)
    if report:
        raise GuestError("kernel", f"the kernel reported an error:\n{report}", results)
    if stopped == "timeout":
        message = f"the guest did not end within {timeout_s:g} s: {session.progress()}"
        raise GuestError("timeout", message, results)
    if stopped:
        raise GuestError("interrupted", "the guest was stopped by an interrupt", results)
    if session.done:
        return
    for words, reason in _ENDS.items():
        if words in log:
            message = f"the guest {reason} before its commands ended: {session.progress()}"
            raise GuestError(reason, message, results)
    message = f"QEMU ended with status {qemu_status} before the guest's commands did"
    raise GuestError("qemu", f"{message}: {qemu_said or session.progress()}", results)
