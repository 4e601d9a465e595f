"""Makes a hub's file of a kernel: of its BTF where it has one, else of its DWARF by pahole."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from base.errors import DroidbpfError
from base.files import write_atomically
from btfhub import archive, elf, images, names
from btfhub.lock import PATH, SUFFIX, is_form
from btfhub.raw import ARCH, check

_OLDEST = (1, 22)  # it writes no BTF into a file of its own before
# Since which version: what the kernel's scripts/Makefile.btf has as well. Not -j: the order of
# types then differs from run to run.
_FLAGS = (((1, 22), "--btf_gen_floats"), ((1, 24), "--lang_exclude=rust"))


def encode(source: Path, name: str, folder: Path, *, replace: bool = False) -> Path:
    """Write a hub's file of a kernel: the same bytes for the same BTF and name.

    Args:
        source: as of read().
        name: a name such as a12-5.10-2022-05, or the kernel's release (`uname -r`).
        folder: the hub.
        replace: put it in the place of another file of this name.

    Returns:
        The path of the file: `<folder>/<branch folder>/<name>-arm64.btf.tar.xz`.

    Raises:
        DroidbpfError: the name is none; there is no sound BTF of an arm64 kernel; there is a file
            already, and it is another; it cannot be written.
    """
    path = folder / place(name)
    data = read(source)
    check(data, str(source))
    packed = archive.pack(path.name.removesuffix(SUFFIX) + ".btf", data)
    try:
        if path.exists() and not replace and path.read_bytes() != packed:
            raise DroidbpfError(f"{path} is there and is another", "--replace replaces it")
        write_atomically(path, packed)
    except OSError as error:
        raise DroidbpfError(f"cannot write {path}: {error.strerror}") from error
    return path


def place(name: str) -> str:
    """Give the path of a kernel's file in a hub, in the layout of BTFHubForAndroid.

    Raises:
        DroidbpfError: the name tells no kernel, or cannot be a file's.
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
            f"{ascii(name)[:200]} cannot be the name of a file in a hub",
            "give --name NAME, such as a12-5.10-2022-05 or vendor-5.10-1234abcd",
        )
    return path


def read(source: Path) -> bytes:
    """Give the BTF of a kernel, encoding it at need; it is not checked yet.

    Args:
        source: as of images.read(), such as a device's /sys/kernel/btf/vmlinux; or a vmlinux with
            DWARF.

    Raises:
        DroidbpfError: it has neither BTF nor DWARF; pahole is missing, too old, or fails.
    """
    try:
        with source.open("rb") as file:
            vmlinux = elf.read(file) if file.read(4) == elf.MAGIC else None
            bare = vmlinux is not None and not vmlinux.section(".BTF")
            dwarf = vmlinux is not None and bare and vmlinux.section(".debug_info") is not None
    except OSError as error:
        raise DroidbpfError(f"cannot read {source}: {error.strerror}") from error
    except DroidbpfError as error:
        raise DroidbpfError(f"{source}: {error.message}", error.hint) from error
    if bare and not dwarf:
        raise DroidbpfError(
            f"{source} has neither BTF nor DWARF",
            "give the vmlinux of a build with CONFIG_DEBUG_INFO, before it is stripped",
        )
    return _of_dwarf(source) if dwarf else images.read(source)


def _of_dwarf(source: Path) -> bytes:
    """Let pahole encode the DWARF of a vmlinux, which stays as it is."""
    pahole = shutil.which("pahole")
    if pahole is None:
        raise DroidbpfError(
            f"{source} has DWARF and no BTF, and pahole is not installed to encode it",
            "apt-get install dwarves",
        )
    version = _version(pahole)
    with tempfile.TemporaryDirectory(prefix="droidbpf.") as folder:
        made = Path(folder) / "vmlinux.btf"
        flags = [flag for since, flag in _FLAGS if version >= since]
        command = [pahole, *flags, f"--btf_encode_detached={made}", str(source.absolute())]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode or not made.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
            status = f"status {done.returncode}"
            raise DroidbpfError(
                f"pahole cannot encode {source}: {ascii(' '.join(said))[1:-1] or status}",
                "is it the vmlinux of a kernel, with all of its DWARF?",
            )
        return images.read(made)


def _version(pahole: str) -> tuple[int, int]:
    done = subprocess.run([pahole, "--version"], capture_output=True, stdin=subprocess.DEVNULL)
    found = re.match(rb"v([0-9]{1,4})\.([0-9]{1,4})", done.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _OLDEST:
        raise DroidbpfError(
            f"{pahole} is too old, or is none: {done.stdout[:40]!r}",
            "install pahole 1.22 or newer: apt-get install dwarves",
        )
    return version
