"""BPF programs without a vmlinux.h get the target's kernel headers, by every toolchain."""

from __future__ import annotations

from pathlib import Path

import no_root
import pytest
from checkout import Tree

BPF = """\
// SPDX-License-Identifier: BSD-3-Clause
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ptrace.h>
#include <asm/byteorder.h>
#include <bpf/bpf_helpers.h>

#ifdef __TARGET_ARCH_arm64
#define SWAP __swab64p /* inline: BTF names its header */
_Static_assert(sizeof(struct user_pt_regs) == 34 * 8, "of another architecture");
#else
#define SWAP * /* x86's is of its own assembly */
_Static_assert(sizeof(struct pt_regs) == 21 * 8, "of another architecture");
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
__u64 swapped;

SEC("socket")
int filter(struct __sk_buff *skb)
{
	__u64 bytes = 0;

	bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, saddr), &bytes, 8);
	swapped = SWAP(&bytes);
	return -EPERM;
}
"""
USER = """\
#include "raw.skel.h"

int main(void)
{
	return !raw_bpf__open();
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A flat folder of one app, raw."""
    made = tmp_path / "examples"
    made.mkdir()
    (made / "raw.bpf.c").write_text(BPF)
    (made / "raw.c").write_text(USER)
    return made


@pytest.mark.parametrize("toolchain", ["gnu", "musl", "ndk"])
def test_bpf_program_of_the_kernels_headers(
    request: pytest.FixtureRequest, tmp_path: Path, folder: Path, toolchain: str
) -> None:
    name = {"gnu": "template", "musl": "musl_tree", "ndk": "ndk_tree"}[toolchain]
    tree = request.getfixturevalue(name).copy(tmp_path / "tree")
    options = [f"toolchain={toolchain}", f"apps_dir={folder}"]
    if toolchain == "ndk":
        options.append(f"ndk={request.getfixturevalue('ndk')}")
    tree.scons(*options)
    data = (tree.build / f"arm64-{toolchain}/apps/raw/raw.bpf.o").read_bytes()
    assert b"include/linux/swab.h\0" in data
    for place in (b"/usr/", b"/sysroot", bytes(tree.path)):
        assert place not in data
    tree.assert_up_to_date(*options)


def test_bpf_program_of_the_kernels_headers_on_this_machine(
    host_tree: Tree, tmp_path: Path, folder: Path
) -> None:
    tree = host_tree.copy(tmp_path / "tree")
    assert "apps/raw/raw" in tree.scons(f"apps_dir={folder}").made


def test_bpf_program_of_the_kernels_headers_by_zig(alone: tuple[Path, str], folder: Path) -> None:
    words = [word for word in no_root.BUILD if not word.startswith("app=")]
    done = no_root.run(alone[0], "scons", "-Q", *words, f"apps_dir={folder}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (alone[0] / "build/arm64-zig/apps/raw/raw.bpf.o").exists()
