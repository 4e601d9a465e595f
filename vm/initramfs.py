"""The initramfs of one run: busybox, the init script, the kernel's modules, and the run's files."""

import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from base.errors import DroidbpfError, printable
from vm import cpio

DIRECTORIES = (
    ".vm", ".vm/dev", "bin", "data", "data/local", "data/local/tmp", "dev", "etc", "proc", "root",
    "run", "sys", "tmp", "usr", "usr/bin", "var",
)  # fmt: skip
WORLD_WRITABLE = frozenset({"data/local/tmp", "tmp"})
RESERVED = (
    "init", ".vm", "bin/busybox", "dev", "etc/fstab", "etc/group", "etc/passwd", "proc", "sys",
)  # fmt: skip

# Users as on a phone, where apps have uids from 10000.
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
shell:x:2000:2000:shell:/data/local/tmp:/bin/sh
app1:x:10001:10001:an app:/data/local/tmp:/bin/sh
app2:x:10002:10002:another app:/data/local/tmp:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
"""
# In the order of mounting; the guest skips what its kernel does not support.
FSTAB = """\
dev /dev devtmpfs
proc /proc proc
sys /sys sysfs
tracefs /sys/kernel/tracing tracefs
debugfs /sys/kernel/debug debugfs
cgroup2 /sys/fs/cgroup cgroup2
bpf /sys/fs/bpf bpf
"""
DEV_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
GROUP = "root:x:0:\nshell:x:2000:\napp1:x:10001:\napp2:x:10002:\nnobody:x:65534:\n"

FileSource = Path | bytes


def build(
    *,
    busybox: Path,
    modules: Sequence[Path],
    commands: Sequence[Sequence[str]],
    files: Mapping[str, FileSource],
    mark: str,
    env: Mapping[str, str],
    hide_btf: bool = False,
    workload: str = "",
) -> bytes:
    """Return the archive that the kernel unpacks and whose /init it starts.

    Args:
        busybox: a static arm64 busybox.
        modules: kernel modules, in the order in which they must be loaded.
        commands: programs with their arguments, run one after the other.
        files: absolute guest path → a file of this machine, or the bytes (which become executable).
        mark: begins each line that init writes, and occurs in no program's output.
        env: environment of the commands and the workload; init does not see it.
        hide_btf: cover /sys/kernel/btf by an empty folder.
        workload: a shell command that runs in the background, its output discarded.

    Raises:
        DroidbpfError: a guest path is not allowed, or a file cannot be read.
    """
    names = " ".join(module.name for module in modules)
    settings = f"MARK='{mark}'\nMODULES='{names}'\nHIDE_BTF={int(hide_btf)}\n"
    entries = _guest_files(files)
    entries += [
        cpio.directory(name, 0o1777 if name in WORLD_WRITABLE else 0o755) for name in DIRECTORIES
    ]
    entries += [
        cpio.character_device("dev/console", 5, 1),
        cpio.file("bin/busybox", busybox.read_bytes(), 0o755),
        cpio.file("etc/passwd", PASSWD.encode()),
        cpio.file("etc/group", GROUP.encode()),
        cpio.file("etc/fstab", FSTAB.encode()),
        cpio.file("init", (Path(__file__).parent / "init.sh").read_bytes(), 0o755),
        cpio.file(".vm/settings", settings.encode()),
        cpio.file(".vm/env", os.fsencode(_exports(env))),
        cpio.file(".vm/run", os.fsencode(_run_script(commands, workload))),
    ]
    entries += [cpio.symlink(f".vm/dev/{name}", target) for name, target in DEV_LINKS.items()]
    entries += [cpio.file(f".vm/{module.name}", module.read_bytes()) for module in modules]
    return cpio.archive(entries)


def _exports(env: Mapping[str, str]) -> str:
    for name, value in env.items():
        if not name.isidentifier() or not name.isascii():
            raise DroidbpfError(f"not a name for an environment variable: {name!r}")
        if "\0" in value:
            raise DroidbpfError(f"not a value for an environment variable: {name}")
    return "".join(f"export {shlex.quote(f'{name}={value}')}\n" for name, value in env.items())


def _run_script(commands: Sequence[Sequence[str]], workload: str) -> str:
    lines = [f"beside {shlex.quote(workload)}"] if workload else []
    for command in commands:
        if not command or any("\0" in word for word in command):
            raise DroidbpfError(f"not a command: {list(command)!r}")
        lines.append(f"run {shlex.join(command)}")
    return "\n".join(lines) + "\n"


def _guest_files(files: Mapping[str, FileSource]) -> list[cpio.Entry]:
    folders: dict[str, None] = {}
    entries: dict[str, cpio.Entry] = {}
    for guest, source in files.items():
        path = _guest_path(guest)
        for parent in reversed(PurePosixPath(path).parents[:-1]):
            folders.setdefault(str(parent))
        entries[path] = _entry(path, source)
    if clash := [path for path in entries if path in folders]:
        raise DroidbpfError(f"/{printable(clash[0])} is a file and a folder of the guest")
    return [cpio.directory(folder) for folder in folders] + list(entries.values())


def _guest_path(guest: str) -> str:
    """Return a guest path in its shortest form, without the leading slash.

    Raises:
        DroidbpfError: it is not absolute, or names a folder or a file that the guest needs.
    """
    if not guest.startswith("/") or ".." in guest.split("/") or "\0" in guest or guest[-1] == "/":
        raise DroidbpfError(f"not an absolute path of a file in the guest: {guest!r}")
    path = posixpath.normpath(guest).lstrip("/")
    if not path or path in DIRECTORIES or any(f"{path}/".startswith(f"{x}/") for x in RESERVED):
        raise DroidbpfError(
            f"{printable(guest)} belongs to the guest itself",
            "choose another path for the file, such as /data/x",
        )
    return path


def _entry(path: str, source: FileSource) -> cpio.Entry:
    if isinstance(source, bytes):
        return cpio.file(path, source, 0o755)
    try:
        executable = source.stat().st_mode & 0o111
        return cpio.file(path, source.read_bytes(), 0o755 if executable else 0o644)
    except OSError as error:
        raise DroidbpfError(f"cannot read {printable(str(source))}: {error.strerror}") from error
