"""Decides from the kernel log and the end of a run whether it succeeded, and if not, why."""

from dataclasses import dataclass

from base.cli import INTERRUPTED
from base.errors import DroidbpfError, printable_lines
from vm import splat
from vm.session import Result, Session

TIMEOUT, INTERRUPT = "timeout", "interrupt"
# The kernel's last message before it ends (kernel/reboot.c).
_ENDS = {"reboot: Restarting system": "rebooted", "reboot: Power down": "powered off"}


@dataclass(frozen=True)
class Results:
    """The results of a run; `results[0]` is the first command's.

    Attributes:
        commands: one result for each command that ended, in their order.
        kernel_log: the kernel's messages.
        release: the kernel's `uname -r`.
        channel: "virtio", or "serial" where stdout and stderr share one stream.
    """

    commands: tuple[Result, ...]
    kernel_log: str
    release: str
    channel: str

    def __getitem__(self, index: int) -> Result:
        """Return the result of the command with this index."""
        return self.commands[index]


class GuestError(DroidbpfError):
    """A run that failed.

    Attributes:
        results: the results until then.
    """

    def __init__(self, message: str, results: Results, status: int = DroidbpfError.status) -> None:
        super().__init__(message)
        self.results = results
        self.status = status


def check(
    session: Session,
    results: Results,
    stopped: str,
    timeout_s: float,
    qemu_status: int,
    qemu_output: str,
) -> None:
    """Verify that a run succeeded.

    Args:
        stopped: TIMEOUT, INTERRUPT, or "" if the machine ended by itself.

    Raises:
        GuestError: it did not.
    """
    log = results.kernel_log
    if report := printable_lines(splat.find(log)):
        panicked = "Kernel panic - not syncing" in log
        what = "panicked" if panicked else "reported an error"
        raise GuestError(f"the kernel {what}:\n{report}", results)
    if stopped == TIMEOUT:
        message = f"the guest did not end within {timeout_s:g} s: {session.progress()}"
        raise GuestError(message, results)
    if stopped == INTERRUPT:
        raise GuestError("the guest was stopped by an interrupt", results, INTERRUPTED)
    if session.done:
        return
    for words, end in _ENDS.items():
        if words in log:
            message = f"the guest {end} before its commands ended: {session.progress()}"
            raise GuestError(message, results)
    message = f"QEMU ended with status {qemu_status} before the guest's commands did"
    why = printable_lines(qemu_output) or session.progress()
    raise GuestError(f"{message}: {why}", results)
