"""A flat folder of apps, as libbpf-bootstrap's examples/c and bcc's libbpf-tools are."""

from __future__ import annotations

from pathlib import Path

BPF = """\
// SPDX-License-Identifier: BSD-3-Clause
#include {include}
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "{name}.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("raw_tp/sys_enter")
int enter(void *ctx)
{{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, tgid) == {name_upper} ? 1 : 0;
}}
"""
USER = """\
#include <stdio.h>
#include "shared.h"
#include "{name}.h"
#include "{name}.skel.h"

int main(void)
{{
	struct {name}_bpf *skeleton = {name}_bpf__open();

	printf("{name} %d %d\\n", shared(), {name_upper});
	{name}_bpf__destroy(skeleton);
	return !skeleton;
}}
"""


def write(folder: Path, *names: str, include: str = '"vmlinux.h"') -> Path:
    """Write apps of two sources and a header each, and shared.c of all; give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shared.h").write_text("int shared(void);\n")
    (folder / "shared.c").write_text('#include "shared.h"\nint shared(void) { return 3; }\n')
    for name in names:
        words = {"name": name, "name_upper": name.upper(), "include": include}
        (folder / f"{name}.bpf.c").write_text(BPF.format(**words))
        (folder / f"{name}.c").write_text(USER.format(**words))
        (folder / f"{name}.h").write_text(f"#define {name.upper()} 7\n")
    return folder
