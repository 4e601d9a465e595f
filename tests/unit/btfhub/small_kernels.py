"""BTFs of kernels that are as small as a kernel's can be, and hubs' files of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import bpf_objects

from btfhub import archive
from btfhub.lock import HubFile

TASK = "int pid; int tgid; struct task_struct *real_parent;"
REGISTERS = {
    "arm64": "long regs[31]; long sp; long pc; long pstate; int syscallno;",
    "x86_64": "long r15, ax, di, orig_ax, ip;",
}


def kernel(
    folder: Path, name: str, task: str = TASK, *, arch: str = "arm64", more: str = ""
) -> Path:
    """Return the raw BTF of a kernel, NAME.btf, whose task_struct has these members."""
    code = f"""
        struct list_head {{ struct list_head *next, *prev; }} list;
        struct task_struct {{ {task} }} task;
        struct pt_regs {{ {REGISTERS[arch]} }} registers;
        {more}
    """
    return bpf_objects.kernel(folder, name, code)


def packed(folder: Path, path: str, btf: bytes) -> HubFile:
    """Put the archive of a BTF at a path of a hub; give what a lock says of it."""
    name = path.rpartition("/")[2].removesuffix("-arm64.btf.tar.xz")
    data = archive.pack(f"{name}-arm64.btf", btf)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    hashes = [hashlib.sha256(of).hexdigest() for of in (data, btf)]
    return HubFile(name, path, len(data), hashes[0], len(btf), hashes[1])
