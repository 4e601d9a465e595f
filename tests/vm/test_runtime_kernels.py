"""btfhub/runtime on the distribution's kernels: with their own BTF, and with that hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from runtime_programs import Workshop, entry, hub_btf, own_btf, workshop

from btfhub import embed
from btfhub.names import parse_release
from vm import kernels, machine

MEMFD = "0 /memfd:btf (deleted)\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return workshop(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def others(shop: Workshop) -> list[embed.Entry]:
    """Return the embedded entries of kernels that the test does not boot."""
    hub = shop.minimized(hub_btf("a12-5.10-2022-05"))
    return [
        entry("a12-5.10-2022-05", hub),
        entry("a12-5.10-2023-04", hub),
        entry("5.10.223-android12-9-nobtf", shop.minimized(own_btf())),
    ]


def test_a_kernel_with_btf_needs_nothing_and_a_file_is_tried_all_the_same(
    kernel: kernels.Kernel, shop: Workshop, others: list[embed.Entry]
) -> None:
    program = shop.program("with-btf", others)
    commands = [
        ["/bin/user", "-v"],
        ["/bin/user", "-c"],
        ["/bin/user", "-u"],
        ["/bin/user", "-f", "/sys/kernel/btf/vmlinux", "-v"],
        ["/bin/user", "-R", "-f", "/sys/kernel/btf/vmlinux"],
        ["/bin/user", "-f", "/hub.btf"],
        ["sh", "-c", "ulimit -n 3; exec /bin/user -m 1"],
    ]
    files: dict[str, Path | bytes] = {
        "/bin/user": program,
        "/hub.btf": others[0].btf,
    }
    own, bcc, not_root, named, real_time, wrong, no_files = machine.run(
        kernel, commands, files, timeout_s=120
    ).commands
    assert own.stdout == bcc.stdout == not_root.stdout == b"0 no path\n"
    assert own.stderr == b"btf: /sys/kernel/btf/vmlinux, the kernel's own\n"
    assert bcc.stderr == not_root.stderr == b""
    assert named.stdout == b"0 /sys/kernel/btf/vmlinux\n"
    assert named.stderr == b"btf: /sys/kernel/btf/vmlinux (--btf); probe passed\n"
    assert (real_time.stdout, real_time.stderr) == (named.stdout, b"")
    assert no_files.stdout.startswith(b"-24 ")
    assert no_files.stderr == (b"user: error: /sys/kernel/btf/vmlinux: Too many open files\n")
    assert wrong.stdout == b"-22 no path\n"
    assert wrong.stderr.startswith(b"user: error: /hub.btf (--btf): it is for another kernel: ")


def test_where_its_btf_is_hidden_a_kernel_gets_the_embedded_one_by_its_release(
    kernel: kernels.Kernel, shop: Workshop, others: list[embed.Entry]
) -> None:
    dump = machine.run(kernel, [["cat", "/sys/kernel/btf/vmlinux"]], timeout_s=120)
    release = dump.release
    assert parse_release(release).android == 0
    own = entry(release, shop.minimized(dump[0].stdout))
    programs = {
        "/bin/all": shop.program("hidden", [*others, own]),
        "/bin/others": shop.program("hidden-others", others),
        "/bin/false": shop.program("false", [entry(release, others[0].btf)]),
    }
    commands = [["/bin/all", "-v"], ["/bin/others"], ["/bin/false"], ["/bin/all", "-n"]]
    right, none, false, namespace = machine.run(
        kernel, commands, programs, timeout_s=120, hide_btf=True
    ).commands
    assert right.stdout.decode() == namespace.stdout.decode() == MEMFD
    assert right.stderr.decode() == (
        f"btf: {release} (embedded), made for this exact release; probe passed\n"
    )
    assert none.stdout == b"-2 no path\n"
    assert none.stderr.decode().splitlines()[1].startswith("others:   embedded, none fits: ")
    assert false.stdout == b"-22 no path\n"
    assert "it is for another kernel: task_struct." in false.stderr.decode()
