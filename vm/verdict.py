"""Decides from the kernel log and the end of a run whether it succeeded, and if not, why."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from base.errors import DroidbpfError, printable_lines
from vm import splat
from vm.session import Result, Session

Reason = Literal["timeout", "kernel", "panic", "rebooted", "powered off", "qemu", "interrupted"]

# The kernel's last message before it ends (kernel/reboot.c).
_ENDS: Mapping[str, Reason] = {
    "reboot: Restarting system": "rebooted",
    "reboot: Power down": "powered off",
}


@dataclass(frozen=True)
class Results:
    """The results of a run; `results[0]` is the first command's.

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
        """Return the result of the command with this index."""
        return self.commands[index]


class GuestError(DroidbpfError):
    """A run that failed.

    Attributes:
        reason: what happened, in a word for programs.
        results: the results until then.
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
    qemu_output: str,
) -> None:
    """Verify that a run succeeded.

    Raises:
        GuestError: it did not.
    """
    log = results.kernel_log
    report = printable_lines(splat.find(log))
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
    why = printable_lines(qemu_output) or session.progress()
    raise GuestError("qemu", f"{message}: {why}", results)
