"""A run on a real kernel that goes wrong has a clear end in every case, and tells why."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from base.errors import DroidbpfError
from vm import machine
from vm.kernels import Kernel


def test_panic_fails_the_run_with_its_report(old_kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(
            old_kernel, [["echo", "before"], ["sh", "-c", "echo c >/proc/sysrq-trigger"], ["true"]]
        )
    assert re.match(
        r"the kernel panicked:\n\[ *[0-9.]+\] Kernel panic - not syncing: sysrq triggered crash\n",
        caught.value.message,
    )
    assert "write_sysrq_trigger" in caught.value.message
    assert [result.stdout for result in caught.value.results.commands] == [b"before\n"]


def test_panic_is_seen_over_the_serial_port_too(old_kernel: Kernel, run_in_vm) -> None:
    commands = [["sh", "-c", "echo c >/proc/sysrq-trigger"]]
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(replace(old_kernel, modules=()), commands)
    assert caught.value.message.startswith("the kernel panicked:\n")


def test_warning_in_the_log_fails_a_run_whose_commands_succeed(
    old_kernel: Kernel, run_in_vm
) -> None:
    line = "WARNING: CPU: 1 PID: 7 at kernel/bpf/core.c:1 f+0x1/0x2"
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["sh", "-c", f"echo '<4>{line}' >/dev/kmsg"]])
    assert re.match(
        rf"the kernel reported an error:\n\[ *[0-9.]+\] {re.escape(line)}", caught.value.message
    )
    assert caught.value.results[0].status == 0


def test_time_limit_shows_how_far_the_guest_came(old_kernel: Kernel, run_in_vm) -> None:
    begin = time.monotonic()
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(
            old_kernel, [["true"], ["sh", "-c", "echo working; sleep 99"], ["true"]], timeout_s=8
        )
    assert 8 <= time.monotonic() - begin < 10
    assert re.fullmatch(
        r"the guest did not end within 8 s: command 2 of 3 had run for [0-9.]+ s: "
        r"sh -c 'echo working; sleep 99'; its last output:\nworking",
        caught.value.message,
    )
    assert len(caught.value.results.commands) == 1


def test_time_limit_during_the_boot_says_so(old_kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["true"]], timeout_s=0.6)
    assert caught.value.message.startswith(
        "the guest did not end within 0.6 s: the kernel did not reach its first command; it"
    )


@pytest.mark.parametrize(
    ("command", "reason"), [("reboot -f", "rebooted"), ("poweroff -f", "powered off")]
)
def test_early_end_is_kept_apart(old_kernel: Kernel, run_in_vm, command: str, reason: str) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["sh", "-c", f"echo on my way; {command}"]])
    assert re.fullmatch(
        rf"the guest {reason} before its commands ended: command 1 of 1 had run for [0-9.]+ s: "
        rf"sh -c 'echo on my way; {command}'; its last output:\non my way",
        caught.value.message,
    )


def test_qemu_that_refuses_says_why(old_kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["true"]], cpus=4000)
    assert "QEMU ended with status 1 before the guest's commands did: " in caught.value.message
    assert "4000" in caught.value.message


def test_stream_that_fails_ends_the_run(old_kernel: Kernel, run_in_vm) -> None:
    def refuse(name: str, data: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_in_vm(old_kernel, [["sh", "-c", "echo x; sleep 99"]], stream=refuse)


@pytest.mark.parametrize("kernel", ["5.10", "6.12"], indirect=True)
def test_files_beyond_the_memory_are_refused_and_up_to_it_arrive(kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(DroidbpfError) as caught:
        run_in_vm(kernel, [["true"]], {"/big": bytes(60 << 20)}, memory_mb=256)
    assert str(caught.value) == (
        "error: 61 MiB of files are too much for 256 MiB of memory\n"
        "hint: the guest needs at least 343 MiB"
    )
    command = ["sh", "-c", "wc -c </big"]
    results = run_in_vm(kernel, [command], {"/big": bytes(60 << 20)}, memory_mb=343)
    assert results[0].stdout == b"%d\n" % (60 << 20)


def test_uncached_kernel_offline_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    from base.settings import Settings
    from vm import kernels

    with pytest.raises(DroidbpfError) as caught:
        kernels.kernel("6.1", Settings(cache=tmp_path, offline=True))
    assert str(caught.value) == (
        "error: offline, and 6.1 is not in the cache\nhint: run once: ./dev vm fetch"
    )
