"""Reports of a sick kernel are found; a healthy boot's log, with its frightening words, passes."""

import pytest

from vm import splat

HEALTHY = """\
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd070]
[    0.000000] random: crng init done
[    0.000000] rcu: Hierarchical RCU implementation.
[    0.000000] rcu: \tRCU restricting CPUs from NR_CPUS=256 to nr_cpu_ids=2.
[    0.000000] GICv3: GIC: Using split EOI/Deactivate mode
[    0.021000] CPU features: detected: Spectre-BHB
[    0.100000] kfence: initialized - using 2097152 bytes for 255 objects at 0x(____ptrval____)
[    0.200000] watchdog: Delayed init of the lockup detector failed: -19
[    0.300000] ACPI: Interpreter disabled.
[    0.400000] pci 0000:00:01.0: BAR 4: assigned [mem 0x8000000000-0x8000003fff 64bit pref]
[    0.500000] EXT4-fs (vda1): warning: mounting unchecked fs, running e2fsck is recommended
[    0.600000] NMI watchdog: Perf NMI watchdog permanently disabled
[    0.700000] Warning: unable to open an initial console.
[    0.800000] trace_printk is used: this is a DEBUG kernel
[    0.900000] virtio_console virtio0: Error allocating
[    0.950000] app[123]: unhandled level 2 translation fault (11) at 0x00000000, esr 0x92000006
[    1.000000] reboot: Power down
"""

REPORTS = {
    "warning": """\
[    5.101010] ------------[ cut here ]------------
[    5.101020] refcount_t: underflow; use-after-free.
[    5.101030] WARNING: CPU: 1 PID: 88 at lib/refcount.c:28 refcount_warn_saturate+0xf8/0x150
[    5.101040] Modules linked in: virtio_console
[    5.101050] ---[ end trace 3f1c0b1a ]---
""",
    "warning of 6.19 and later": (
        "[    5.1] WARNING: kernel/bpf/verifier.c:1234 at check_mem+0x1/0x2, CPU#1: app/88\n"
    ),
    "oops": """\
[   12.345678] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010
[   12.345690] Mem abort info:
[   12.345700] Internal error: Oops: 96000004 [#1] SMP
""",
    "paging request": (
        "[    3.0] Unable to handle kernel paging request at virtual address dead000000000100\n"
    ),
    "undefined instruction": "[    3.0] Internal error: Oops - Undefined instruction: 0 [#1] SMP\n",
    "bug": "[    3.0] kernel BUG at mm/slub.c:305!\n",
    "panic": "[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n",
    "panic without time stamps": "Kernel panic - not syncing: VFS: Unable to mount root fs\n",
    "kasan": "[    3.0] BUG: KASAN: slab-out-of-bounds in f+0x10/0x20\n",
    "kfence": "[    3.0] BUG: KFENCE: use-after-free read in f+0x10/0x20\n",
    "ubsan": "[    3.0] UBSAN: array-index-out-of-bounds in drivers/x.c:12:3\n",
    "atomic": "[    3.0] BUG: scheduling while atomic: app/88/0x00000002\n",
    "sleeping": ("[    3.0] BUG: sleeping function called from invalid context at mm/slub.c:580\n"),
    "soft lockup": "[   30.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [app:88]\n",
    "hard lockup": "[   30.0] watchdog: Watchdog detected hard LOCKUP on cpu 1\n",
    "workqueue": "[   30.0] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck\n",
    "hung task": "[  121.0] INFO: task app:88 blocked for more than 120 seconds.\n",
    "rcu stall": "[   21.0] rcu: INFO: rcu_sched self-detected stall on CPU\n",
    "rcu stall of another": "[   21.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n",
    "expedited rcu stall": (
        "[   21.0] rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 0-... }\n"
    ),
    "rcu tasks": "[   21.0] INFO: rcu_tasks detected stalls on tasks:\n",
    "lockdep": "[    4.0] WARNING: possible circular locking dependency detected\n",
    "lockdep recursion": "[    4.0] WARNING: possible recursive locking detected\n",
    "lockdep irq": "[    4.0] WARNING: inconsistent lock state\n",
    "lockdep unlock": "[    4.0] WARNING: bad unlock balance detected!\n",
    "lockdep held": "[    4.0] WARNING: lock held when returning to user space!\n",
    "rcu usage": "[    4.0] WARNING: suspicious RCU usage\n",
    "lockdep key": "[    4.0] INFO: trying to register non-static key.\n",
    "list": "[    4.0] list_del corruption. prev->next should be ffff, but was 0000\n",
    "exception": "[    4.0] Bad mode in Error handler detected on CPU0, code 0xbf -- SError\n",
}


@pytest.mark.parametrize("name", REPORTS)
def test_report_is_found_among_healthy_lines(name: str) -> None:
    first = REPORTS[name].splitlines()[0]
    assert splat.find(HEALTHY + REPORTS[name] + HEALTHY).startswith(first)


def test_healthy_log_passes() -> None:
    assert splat.find(HEALTHY) == ""
    assert splat.find("") == ""


def test_excerpt_of_a_warning_is_the_whole_report_and_no_more() -> None:
    report = REPORTS["warning"]
    assert splat.find(HEALTHY + report + HEALTHY) == report.strip()


def test_excerpt_has_an_end_where_the_report_has_none() -> None:
    excerpt = splat.find(REPORTS["bug"] + "[    3.1] and on\n" * 500)
    assert len(excerpt.splitlines()) == splat.MAX_LINES
