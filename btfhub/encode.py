"""Making a hub file of a kernel: from its BTF, else from its DWARF by pahole."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from base.errors import DroidbpfError, printable
from btfhub import archive, elf, images, names
from btfhub.file_errors import errors_of, file_errors, write_file
from btfhub.kernels import ARCH, check
from btfhub.lock import PATH, SUFFIX, is_form

_OLDEST = (1, 22)  # the first that writes BTF into a separate file
# Flags of the kernel's scripts/Makefile.btf, with the first version that has them. Not -j: with it
# the order of types differs from run to run.
_FLAGS = (((1, 22), "--btf_gen_floats"), ((1, 24), "--lang_exclude=rust"))


def encode(source: Path, name: str, folder: Path, *, replace: bool = False) -> Path:
    """Write a hub's file of a kernel: the same bytes for the same BTF and name.

    Args:
        source: as of read().
        name: a name such as a12-5.10-2022-05, or the kernel's release (`uname -r`).
        folder: the hub.
        replace: replace another file of this name.

    Returns:
        The path of the file: `<folder>/<branch folder>/<name>-arm64.btf.tar.xz`.

    Raises:
        DroidbpfError: the name is not a kernel's; there is no sound BTF of an arm64 kernel; another
            file has the name; the file cannot be written.
    """
    path = folder / place(name)
    data = read(source)
    check(data, str(source))
    packed = archive.pack(path.name.removesuffix(SUFFIX) + ".btf", data)
    with file_errors("read", path):
        if path.exists() and not replace and path.read_bytes() != packed:
            where = printable(str(path))
            raise DroidbpfError(f"another file is at {where}", "--replace replaces it")
    write_file(path, packed)
    return path


def place(name: str) -> str:
    """Return the path of a kernel's file in a hub, in the layout of BTFHubForAndroid.

    Raises:
        DroidbpfError: the name is not a kernel's, or cannot be a file's.
    """
    # A release may have a "/", which a file's name cannot have: parse_name() looks behind it.
    hub_name = names.parse_name(name.replace("/", "_"))
    folder = hub_name.branch
    ending = f"-{ARCH}{SUFFIX}"
    if hub_name.kind == "release":
        release = names.parse_release(name)
        folder = release.branch or "releases"
        if not release.android:
            ending = SUFFIX  # -arm64 may be a part of it
    if folder.startswith("android"):
        folder = f"common-{folder}"
    path = f"{folder}/{hub_name.name}{ending}"
    if "/" in name or not is_form(PATH, path) or names.parse_name(path).name != name:
        raise DroidbpfError(
            f"{printable(name)[:200]} cannot be the name of a file in a hub",
            "give --name NAME, such as a12-5.10-2022-05 or vendor-5.10-1234abcd",
        )
    return path


def read(source: Path) -> bytes:
    """Return the BTF of a kernel, encoding it at need; it is not checked yet.

    Args:
        source: as of images.read(), such as a device's /sys/kernel/btf/vmlinux; or a vmlinux with
            DWARF.

    Raises:
        DroidbpfError: it has neither BTF nor DWARF; pahole is missing, too old, or fails.
    """
    where = printable(str(source))
    with file_errors("read", source), source.open("rb") as file, errors_of(where):
        vmlinux = elf.read(file) if file.read(4) == elf.MAGIC else None
    if vmlinux is None or vmlinux.section(".BTF"):
        return images.read(source)
    if not vmlinux.section(".debug_info"):
        raise DroidbpfError(
            f"{where} has neither BTF nor DWARF",
            "give the vmlinux of a build with CONFIG_DEBUG_INFO, before it is stripped",
        )
    return _of_dwarf(source, where)


def _of_dwarf(source: Path, where: str) -> bytes:
    """Return the BTF that pahole encodes from the DWARF of a vmlinux, which is not changed."""
    pahole = shutil.which("pahole")
    if pahole is None:
        raise DroidbpfError(
            f"{where} has DWARF and no BTF, and pahole is not installed to encode it",
            "apt-get install dwarves",
        )
    version = _version(pahole)
    with tempfile.TemporaryDirectory(prefix="droidbpf.") as folder:
        made = Path(folder) / "vmlinux.btf"
        flags = [flag for since, flag in _FLAGS if version >= since]
        command = [pahole, *flags, f"--btf_encode_detached={made}", str(source.absolute())]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode or not made.exists():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
            status = f"status {done.returncode}"
            raise DroidbpfError(
                f"pahole cannot encode {where}: {printable(' '.join(last)) or status}",
                "is it the vmlinux of a kernel, with all of its DWARF?",
            )
        return images.read(made)


def _version(pahole: str) -> tuple[int, int]:
    done = subprocess.run([pahole, "--version"], capture_output=True, stdin=subprocess.DEVNULL)
    found = re.match(rb"v([0-9]{1,4})\.([0-9]{1,4})", done.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _OLDEST:
        raise DroidbpfError(
            f"{pahole} is too old, or is not pahole: {done.stdout[:40]!r}",
            "install pahole 1.22 or newer: apt-get install dwarves",
        )
    return version
