"""What a run on a real kernel promises: exact output and status, and a clear end in every case."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fetch.errors import DroidbpfError
from vm import machine
from vm.kernels import Kernel

ROOT = Path(__file__).parents[2]
EVERY_BYTE = bytes(range(256)) * 3 + b"\r\n\n\r\0end without newline"
RELEASES = {"5.10": "5.10.", "6.1": "6.1.", "6.12": "6.12."}


def vm(*arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    """Start `python -m vm …` as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "vm", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def first_line(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture(autouse=True)
def _no_qemu_is_left() -> Iterator[None]:
    yield
    assert [pid for pid in children(os.getpid()) if is_alive(pid)] == []


def test_output_status_files_and_guest_are_as_promised(kernel: Kernel, run_in_vm) -> None:
    host_file = Path(__file__)
    results = run_in_vm(
        kernel,
        [
            ["uname", "-r"],
            ["cat", "/root/deep/er/every byte"],
            ["sh", "-c", "printf out; printf err >&2; exit 3"],
            ["sh", "-c", "kill -9 $$"],
            ["no-such-program"],
            ["/data/local/tmp/script", "a b", "$HOME", "'", "", "\n"],
            ["sh", "-c", 'echo "$GREETING"'],
            ["su", "app1", "-c", "id -u; touch /data/local/tmp/mine; ls /root 2>&1"],
            ["sha256sum", "/tmp/host"],
            ["cat", "/proc/mounts"],
            ["sh", "-c", "ping -c 1 127.0.0.1 >/dev/null && ls /sys/class/net; hostname"],
            ["head", "-c", "1000", "/sys/kernel/btf/vmlinux"],
            ["sh", "-c", "test -e /dev/null && read -r x; echo $?; nproc"],
        ],
        {
            "/root/deep/er/every byte": EVERY_BYTE,
            "/data/local/tmp/script": b'#!/bin/sh\nprintf "%s|" "$@"\n',
            "/tmp/host": host_file,
        },
        env={"GREETING": "it's $5\nnow"},
        timeout_s=30,
    )

    def output(index: int) -> bytes:
        return results[index].stdout

    assert output(0).decode().strip() == results.release == kernel.release
    assert results.release.startswith(RELEASES[kernel.name])
    assert output(1) == EVERY_BYTE
    assert (results[2].status, output(2), results[2].stderr) == (3, b"out", b"err")
    assert (results[3].status, output(3)) == (128 + signal.SIGKILL, b"")
    assert (results[4].status, output(4)) == (127, b"")
    assert output(5) == b"a b|$HOME|'||\n|"
    assert output(6) == b"it's $5\nnow\n"
    assert output(7).startswith(b"10001\n")
    shasum = subprocess.run(["sha256sum", host_file], capture_output=True).stdout
    assert output(8).split()[0] == shasum.split()[0]
    mounts = output(9).decode()
    for place in ("/proc", "/sys", "/sys/kernel/tracing", "/sys/kernel/debug", "/sys/fs/cgroup"):
        assert f" {place} " in mounts
    assert output(10) == b"lo\ndroidbpf\n"
    assert output(11)[:2] == b"\x9f\xeb"
    assert output(12) == b"1\n2\n"
    assert results.channel == "virtio"
    assert "Linux version" in results.kernel_log
    assert 0 < results.boot_s < results.wall_s < 30


def test_hidden_btf_is_gone_from_the_file_system(kernel: Kernel, run_in_vm) -> None:
    results = run_in_vm(
        kernel, [["cat", "/sys/kernel/btf/vmlinux"], ["ls", "/sys/kernel/btf"]], hide_btf=True
    )
    assert results[0].status == 1
    assert results[0].stderr == (
        b"cat: can't open '/sys/kernel/btf/vmlinux': No such file or directory\n"
    )
    assert (results[1].status, results[1].stdout) == (0, b"")


def test_kernel_without_btf_boots_from_its_gzip_image(nobtf_kernel: Kernel, run_in_vm) -> None:
    results = run_in_vm(
        nobtf_kernel, [["ls", "/sys/kernel/btf"], ["cat", "/x"]], {"/x": EVERY_BYTE}
    )
    assert results.release == "5.10.223-android12-9-00001-g5eedb9f00001-ab1234567"
    assert results.release == nobtf_kernel.release
    assert results[0].stderr == b"ls: /sys/kernel/btf: No such file or directory\n"
    assert results[1].stdout == EVERY_BYTE


def test_serial_port_alone_is_enough(old_kernel: Kernel, run_in_vm) -> None:
    results = run_in_vm(
        old_kernel,
        [
            ["cat", "/x"],
            ["sh", "-c", "echo out; echo err >&2; echo '<4>a kernel message' >/dev/kmsg; exit 5"],
        ],
        {"/x": EVERY_BYTE},
        channel="serial",
    )
    assert results.channel == "serial"
    assert results[0].stdout == EVERY_BYTE
    assert (results[1].status, results[1].stdout, results[1].stderr) == (5, b"out\nerr\n", b"")
    assert "Linux version" in results.kernel_log
    assert "a kernel message" in results.kernel_log


def test_output_streams_while_the_program_runs(old_kernel: Kernel, run_in_vm) -> None:
    arrived: list[tuple[float, str, bytes]] = []
    run_in_vm(
        old_kernel,
        [["sh", "-c", "printf first; sleep 1; echo second >&2"], ["echo", "third"]],
        stream=lambda name, data: arrived.append((time.monotonic(), name, data)),
    )
    assert [(name, data) for _, name, data in arrived] == [
        ("stdout", b"first"),
        ("stderr", b"second\n"),
        ("stdout", b"third\n"),
    ]
    assert 0.8 < arrived[1][0] - arrived[0][0] < 5


def test_workload_and_left_behind_programs_run_beside_the_commands(
    old_kernel: Kernel, run_in_vm
) -> None:
    results = run_in_vm(
        old_kernel,
        [
            ["sh", "-c", "(sleep 0.3; echo late; touch /tmp/late) &"],
            ["sh", "-c", "until [ -e /tmp/late ]; do sleep 0.1; done; pidof cat sleep >/dev/null"],
            ["sh", "-c", "until ps | grep -q '[b]usy-marker'; do sleep 0.1; done; echo seen"],
        ],
        workload="while :; do sleep 0.1; done # busy-marker",
        timeout_s=30,
    )
    assert results[0].stdout + results[1].stdout == b"late\n"
    assert results[2].stdout == b"seen\n"


def test_runs_from_a_thread_and_megabytes_arrive_whole(old_kernel: Kernel, run_in_vm) -> None:
    found: list[machine.Results] = []
    commands = [["head", "-c", "20000000", "/dev/zero"]]
    thread = threading.Thread(target=lambda: found.append(run_in_vm(old_kernel, commands)))
    thread.start()
    thread.join()
    assert found[0][0].stdout == bytes(20_000_000)


def test_panic_fails_the_run_with_its_report(old_kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(
            old_kernel, [["echo", "before"], ["sh", "-c", "echo c >/proc/sysrq-trigger"], ["true"]]
        )
    assert caught.value.reason == "panic"
    assert re.match(
        r"the kernel panicked:\n\[ *[0-9.]+\] Kernel panic - not syncing: sysrq triggered crash\n",
        caught.value.message,
    )
    assert "write_sysrq_trigger" in caught.value.message
    assert [result.stdout for result in caught.value.results.commands] == [b"before\n"]


def test_panic_is_seen_over_the_serial_port_too(old_kernel: Kernel, run_in_vm) -> None:
    commands = [["sh", "-c", "echo c >/proc/sysrq-trigger"]]
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, commands, channel="serial")
    assert caught.value.reason == "panic"


def test_warning_in_the_log_fails_a_run_whose_commands_succeed(kernel: Kernel, run_in_vm) -> None:
    line = "WARNING: CPU: 1 PID: 7 at kernel/bpf/core.c:1 f+0x1/0x2"
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(kernel, [["sh", "-c", f"echo '<4>{line}' >/dev/kmsg"]])
    assert caught.value.reason == "kernel"
    assert re.match(
        rf"the kernel reported an error:\n\[ *[0-9.]+\] {re.escape(line)}", caught.value.message
    )
    assert caught.value.results[0].status == 0


def test_time_limit_tells_how_far_the_guest_came(old_kernel: Kernel, run_in_vm) -> None:
    begin = time.monotonic()
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(
            old_kernel, [["true"], ["sh", "-c", "echo working; sleep 99"], ["true"]], timeout_s=8
        )
    assert 8 <= time.monotonic() - begin < 10
    assert caught.value.reason == "timeout"
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
        "the guest did not end within 0.6 s: the kernel did not come up to its first command; it"
    )


@pytest.mark.parametrize(
    ("command", "reason"), [("reboot -f", "rebooted"), ("poweroff -f", "powered off")]
)
def test_early_end_is_told_apart(old_kernel: Kernel, run_in_vm, command: str, reason: str) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["sh", "-c", f"echo on my way; {command}"]])
    assert caught.value.reason == reason
    assert re.fullmatch(
        rf"the guest {reason} before its commands ended: command 1 of 1 had run for [0-9.]+ s: "
        rf"sh -c 'echo on my way; {command}'; its last output:\non my way",
        caught.value.message,
    )


def test_qemu_that_refuses_says_why(old_kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(machine.GuestError) as caught:
        run_in_vm(old_kernel, [["true"]], cpus=4000)
    assert caught.value.reason == "qemu"
    assert "QEMU ended with status 1 before the guest's commands did: " in caught.value.message
    assert "4000" in caught.value.message


def test_memory_and_processors_are_as_asked(old_kernel: Kernel, run_in_vm) -> None:
    commands = [["nproc"], ["awk", "/MemTotal/ { print int($2 / 1024) }", "/proc/meminfo"]]
    results = run_in_vm(old_kernel, commands, memory_mb=768, cpus=1)
    assert results[0].stdout == b"1\n"
    assert 600 < int(results[1].stdout) < 768


def test_stream_that_fails_ends_the_run(old_kernel: Kernel, run_in_vm) -> None:
    def refuse(name: str, data: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_in_vm(old_kernel, [["sh", "-c", "echo x; sleep 99"]], stream=refuse)


def test_command_line_hands_the_status_through(old_kernel: Kernel) -> None:
    process = vm("run", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert process.communicate(timeout=60) == (b"out\n", b"err\n")
    assert process.returncode == 42


def test_command_line_copies_an_arm64_program_in(old_kernel: Kernel, settings, tmp_path) -> None:
    program = tmp_path / "toolbox"
    program.write_bytes((old_kernel.image.parents[1] / "busybox/busybox").read_bytes())
    program.chmod(0o755)
    process = vm("run", "--env", "A=1", "--hide-btf", str(program), "ls", "/data/local/tmp")
    # Busybox under a name that it does not know.
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (127, b"", b"toolbox: applet not found\n")


@pytest.mark.parametrize("channel", ["virtio", "serial"])
def test_interrupt_reaches_the_program_and_its_end_is_handed_through(
    old_kernel: Kernel, settings, channel: str
) -> None:
    code = (
        "import sys; from vm import kernels, machine\n"
        "r = machine.run(kernels.kernel('5.10'), [['sh', '-c', sys.argv[1]]],"
        " stream=machine.terminal, channel=sys.argv[2])\n"
        "sys.exit(r[0].status)"
    )
    script = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.1; done"
    mode = "auto" if channel == "virtio" else "serial"
    process = subprocess.Popen(
        [sys.executable, "-c", code, script, mode], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert first_line(process) == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == b"interrupted\n"
    assert process.returncode == 7


def test_second_interrupt_stops_a_program_that_does_not_listen(old_kernel: Kernel) -> None:
    process = vm("run", "--", "sh", "-c", "trap '' INT; echo ready; while :; do sleep 1; done")
    assert first_line(process) == b"ready\n"
    [qemu] = children(process.pid)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (
        130,
        b"error: the guest was stopped by an interrupt\n",
    )
    assert not is_alive(qemu)


def test_qemu_dies_with_a_killed_parent(old_kernel: Kernel) -> None:
    process = vm("run", "--", "sh", "-c", "echo ready; sleep 99")
    assert first_line(process) == b"ready\n"
    [qemu] = children(process.pid)
    process.kill()
    process.communicate()
    assert wait_until_gone(qemu, 5)


def test_files_beyond_the_memory_are_refused_and_up_to_it_arrive(kernel: Kernel, run_in_vm) -> None:
    with pytest.raises(DroidbpfError) as caught:
        run_in_vm(kernel, [["true"]], {"/big": bytes(60 << 20)}, memory_mb=256)
    assert str(caught.value) == (
        "error: 61 MiB of files are too much for 256 MiB of memory\n"
        "hint: give the guest at least 343 MiB"
    )
    command = ["sh", "-c", "wc -c </big"]
    results = run_in_vm(kernel, [command], {"/big": bytes(60 << 20)}, memory_mb=343)
    assert results[0].stdout == b"%d\n" % (60 << 20)


def test_kernels_are_listed_for_programs(kernel: Kernel) -> None:
    process = vm("kernels", "--json")
    listing = json.loads(process.communicate(timeout=60)[0])
    assert listing["version"] == 1
    assert [entry["name"] for entry in listing["kernels"]] == ["5.10", "6.1", "6.12"]
    [entry] = [entry for entry in listing["kernels"] if entry["name"] == kernel.name]
    assert entry == {
        "name": kernel.name,
        "cached": True,
        "release": kernel.release,
        "package": kernel.package,
        "image": str(kernel.image),
    }


def test_kernel_that_is_none_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "vmlinux"
    image.write_bytes(b"\x7fELF" + bytes(100))
    process = vm("run", "--kernel", str(image), "true")
    assert process.communicate(timeout=60)[1].decode() == (
        f"error: {image} is not an arm64 kernel Image: it is an ELF file, such as vmlinux\n"
        "hint: give the file arch/arm64/boot/Image or Image.gz of a kernel build\n"
    )
    assert process.returncode == 2


def test_cached_kernels_need_no_network(kernel: Kernel, settings) -> None:
    from vm import kernels

    assert kernels.kernel(kernel.name, replace(settings, offline=True)) == kernel


def test_uncached_kernel_offline_names_every_place(tmp_path: Path) -> None:
    from fetch.settings import Settings
    from vm import kernels

    with pytest.raises(DroidbpfError) as caught:
        kernels.kernel("6.1", Settings(cache=tmp_path, offline=True))
    lines = caught.value.message.splitlines()
    assert lines[0] == "the distribution's archive cannot give 6.1:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["bookworm", "bookworm-security"]
    assert caught.value.hint == "fetch it once without offline"
