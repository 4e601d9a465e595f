"""What a run on a real kernel promises: exact output, status, files and streams."""

import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

from vm import machine
from vm.kernels import Kernel

EVERY_BYTE = bytes(range(256)) * 3 + b"\r\n\n\r\0end without newline"
RELEASES = {"5.10": "5.10.", "6.1": "6.1.", "6.12": "6.12."}


def test_output_status_files_and_guest_are_as_promised(kernel: Kernel, run_in_vm) -> None:
    host_file = Path(__file__)
    results = run_in_vm(
        kernel,
        [
            ["uname", "-r"],
            ["cat", "/data/deep/er/every byte"],
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
            "/data/deep/er/every byte": EVERY_BYTE,
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


def test_hidden_btf_is_gone_from_the_file_system(old_kernel: Kernel, run_in_vm) -> None:
    results = run_in_vm(
        old_kernel, [["cat", "/sys/kernel/btf/vmlinux"], ["ls", "/sys/kernel/btf"]], hide_btf=True
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
        replace(old_kernel, modules=()),
        [
            ["cat", "/x"],
            ["sh", "-c", "echo out; echo err >&2; echo '<4>a kernel message' >/dev/kmsg; exit 5"],
        ],
        {"/x": EVERY_BYTE},
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


def test_slow_reader_gets_all_to_the_last_line(old_kernel: Kernel, run_in_vm) -> None:
    got = {"stdout": b"", "stderr": b""}

    def read_slowly(name: str, data: bytes) -> None:
        time.sleep(0.1)
        got[name] += data

    script = "echo out; head -c 2000000 /dev/zero >&2; echo the last line >&2"
    results = run_in_vm(old_kernel, [["sh", "-c", script]], stream=read_slowly)
    errors = bytes(2_000_000) + b"the last line\n"
    assert got == {"stdout": b"out\n", "stderr": errors}
    assert (results[0].stdout, results[0].stderr) == (b"out\n", errors)


def test_last_line_of_each_of_many_programs_arrives(old_kernel: Kernel, run_in_vm) -> None:
    # None ends with a newline, and each leaves a child that holds its streams.
    names = [str(number) for number in range(60)]
    script = 'echo out $0; printf "err\\n%s" $0 >&2; sleep 0.2 &'
    results = run_in_vm(old_kernel, [["sh", "-c", script, name] for name in names]).commands
    found = [(result.status, result.stdout, result.stderr) for result in results]
    assert found == [(0, f"out {n}\n".encode(), f"err\n{n}".encode()) for n in names]


def test_environment_memory_and_processors_are_as_asked(old_kernel: Kernel, run_in_vm) -> None:
    names = ("MARK", "PATH", "channel", "from_host", "status")
    script = " ".join(f'"${name}"' for name in names)
    asks = "PATH=/bin:/usr/bin; nproc; awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"
    results = run_in_vm(
        old_kernel,
        [["/bin/sh", "-c", f"echo {script}"], ["/bin/sh", "-c", asks]],
        env={name: name for name in names},
        memory_mb=768,
        cpus=1,
    )
    assert results[0].stdout.decode() == " ".join(names) + "\n"
    assert results[0].stderr == b""
    processors, memory = map(int, results[1].stdout.split())
    assert processors == 1
    assert 600 < memory < 768


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


def test_cached_kernels_need_no_network(kernel: Kernel, settings) -> None:
    from vm import kernels

    assert kernels.kernel(kernel.name, settings._replace(offline=True)) == kernel
