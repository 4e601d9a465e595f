"""`./dev vm`, as a user types, interrupts and kills it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import ROOT, children, first_line, is_alive, vm, wait_until_gone

from vm import kernels
from vm.kernels import Kernel


def test_command_line_hands_the_status_through(old_kernel: Kernel) -> None:
    process = vm("run", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert process.communicate(timeout=60) == (b"out\n", b"err\n")
    assert process.returncode == 42


def test_command_line_copies_an_arm64_program_in(old_kernel: Kernel, settings, tmp_path) -> None:
    program = tmp_path / "toolbox"
    program.write_bytes(kernels.busybox(settings).read_bytes())
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
        "import sys; from dataclasses import replace; from vm import kernels, machine\n"
        "kernel = kernels.kernel('5.10')\n"
        "kernel = kernel if sys.argv[2] == 'virtio' else replace(kernel, modules=())\n"
        "r = machine.run(kernel, [['sh', '-c', sys.argv[1]]], stream=machine.terminal)\n"
        "sys.exit(r[0].status)"
    )
    script = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(
        [sys.executable, "-c", code, script, channel], cwd=ROOT, stdout=subprocess.PIPE
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


def test_kernels_are_listed_for_programs(kernel: Kernel) -> None:
    process = vm("kernels", "--json")
    listing = json.loads(process.communicate(timeout=60)[0])
    assert listing["schema"] == 1
    assert [entry["name"] for entry in listing["kernels"]] == ["5.10", "6.1", "6.12"]
    [entry] = [entry for entry in listing["kernels"] if entry["name"] == kernel.name]
    assert entry == {
        "name": kernel.name,
        "cached": True,
        "release": kernel.release,
        "image": str(kernel.image),
    }


def test_kernel_that_is_none_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "vmlinux"
    image.write_bytes(b"\x7fELF" + bytes(100))
    process = vm("run", "--kernel", str(image), "true")
    assert process.communicate(timeout=60)[1].decode() == (
        f"error: {image} is not an arm64 kernel Image: it is an ELF file, such as vmlinux\n"
        "hint: use the file arch/arm64/boot/Image or Image.gz of a kernel build\n"
    )
    assert process.returncode == 2


@pytest.mark.parametrize("option", ["--memory", "--timeout"])
@pytest.mark.parametrize("value", ["-5", "0", "nan", "1e9", "\x1b[2J"])
def test_amount_that_is_none_is_refused_in_one_line(option: str, value: str) -> None:
    process = vm("run", option, value, "true")
    shown = value.replace("\x1b", "\\x1b")
    out, errors = process.communicate(timeout=60)
    assert (out, errors.decode()) == (b"", f"error: {option}={shown} is not a positive number\n")
    assert process.returncode == 2
