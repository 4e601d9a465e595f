"""The kernels that a user names: a hub's files by name or branch, the user's own BTFs by path."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError, printable
from base.files import sha256
from btfhub import processes
from btfhub.file_errors import errors_of, write_file
from btfhub.hub import Hub
from btfhub.lock import SUFFIX, HubFile, Lock
from btfhub.names import HubName, parse_name

ARCH = "arm64"  # of all kernels of the hubs


class Kernel(NamedTuple):
    """A kernel by its BTF.

    Attributes:
        file: what the lock has of it; None for a BTF at a path.
        path: a file that has it, in any form that images.read() takes; None before obtain().
    """

    name: HubName
    file: HubFile | None = None
    path: Path | None = None

    @property
    def selector(self) -> str:
        """What selects this kernel alone: a release may not, where several folders have it."""
        return self.file.name if self.file else str(self.path)


def select(selectors: Sequence[str], hub: Hub) -> list[Kernel]:
    """Return the kernels that hub names, branches, `all` and paths of BTFs select, each once.

    A BTF whose name is not of a kernel has that as the kernel's, of no kind.

    Raises:
        DroidbpfError: an unknown name. Files at paths are not opened.
    """
    paths = dict.fromkeys(one for one in selectors if is_path(one, hub.lock))
    others = [one for one in selectors if one not in paths]
    chosen = [
        Kernel(_name(path, Path(path).name.removesuffix(".btf")), path=Path(path)) for path in paths
    ]
    if others:
        chosen += [Kernel(_name(file.path, file.name), file) for file in hub.choose(others)]
    return chosen


def choose(selectors: Sequence[str], hub: Hub) -> list[Kernel]:
    """Return what select() does, but no two BTFs of one kernel, and none of an unknown one.

    BTFs whose name is not of a kernel are left out where a branch or `all` selects them.

    Raises:
        DroidbpfError: an unknown name, a path without a file or whose name is not of a kernel; two
            BTFs for the same one.
    """
    chosen: dict[str, Kernel] = {}
    for kernel in select(selectors, hub):
        if kernel.path and not kernel.path.is_file():
            where = printable(kernel.selector)
            raise DroidbpfError(f"there is no file {where}", "give the path of a .btf file")
        try:
            path = kernel.file.path if kernel.file else Path(kernel.selector).name
            name = parse_name(path).name
        except DroidbpfError as error:
            if kernel.path or kernel.selector in selectors:
                raise
            hub.settings.report(f"left out: {error.message}")
            continue
        if (other := chosen.setdefault(name, kernel)) != kernel:
            both = printable(f"{other.selector} and {kernel.selector}")
            raise DroidbpfError(f"two BTFs for {name}: {both}", "name one of them")
    if not chosen:
        hint = "a hub names them by `uname -r`, or like a12-5.10-2022-05"
        raise DroidbpfError("no selected BTF is named after a kernel", hint)
    return list(chosen.values())


def is_path(selector: str, lock: Lock) -> bool:
    """Return whether a selector is the path of a BTF, not a name of the hub."""
    if selector in lock.files:
        return False
    return os.sep in selector or selector.endswith((".btf", SUFFIX)) or Path(selector).is_file()


def _name(path: str, otherwise: str) -> HubName:
    try:
        return parse_name(path)
    except DroidbpfError:
        return HubName(printable(otherwise), "", "")


def obtain(kernels: Sequence[Kernel], hub: Hub, unpacked: Path | None = None) -> list[Kernel]:
    """Return kernels with the paths of their files, downloading those of the hub at need.

    Args:
        unpacked: a folder where the BTFs of some may be, as unpack() leaves them.

    Raises:
        DroidbpfError: files that no place gives, each with the places.
    """
    found = []
    for kernel in kernels:
        path = unpacked / file_name(kernel) if unpacked and kernel.file else None
        found.append(kernel._replace(path=path) if path and path.is_file() else kernel)
    archives = hub.obtain([kernel.file for kernel in found if kernel.file and not kernel.path])
    return [one._replace(path=one.path or archives[one.selector]) for one in found]


def read(kernel: Kernel) -> bytes:
    """Return the raw BTF of a kernel whose path is known.

    Raises:
        DroidbpfError: as read_file().
    """
    return read_file(kernel.path or Path(), kernel.file.btf_sha256 if kernel.file else "")


def read_file(path: Path, pin: str = "") -> bytes:
    """Return the raw BTF of a file: as pinned by its hash, else checked.

    Args:
        path: as of images.read().
        pin: the sha256 of the raw BTF, which was checked when it was pinned.

    Raises:
        DroidbpfError: it is not as pinned; it is damaged, hostile or no arm64 kernel's.
    """
    from btfhub import images

    data = images.read(path)
    if not pin:
        check(data, str(path))
    elif hashlib.sha256(data).hexdigest() != pin:
        raise DroidbpfError(
            f"{printable(str(path))} is not the BTF that is pinned",
            "remove it and build again: the build unpacks it from the pinned archive",
        )
    return data


def check(data: bytes, where: str) -> None:
    """Check that a BTF is sound and a whole arm64 kernel's.

    Args:
        where: what messages call it.

    Raises:
        DroidbpfError: it is not.
    """
    from btfhub import btf, plausible

    with errors_of(where):
        btf.check(data)
        plausible.kernel(data, ARCH)


def unpack(kernels: Iterable[Kernel], hub: Hub, folder: Path) -> None:
    """Obtain the BTFs of a hub that are not in a folder, and unpack them there, on all CPUs.

    Raises:
        DroidbpfError: as obtain() and read().
    """
    missing = [kernel for kernel in kernels if not _is_unpacked(kernel, folder)]
    processes.each(partial(_unpack, folder=folder), obtain(missing, hub))


def _unpack(kernel: Kernel, folder: Path) -> None:
    write_file(folder / file_name(kernel), read(kernel))


def _is_unpacked(kernel: Kernel, folder: Path) -> bool:
    try:
        found = sha256(folder / file_name(kernel))
    except OSError:
        return False
    return bool(kernel.file and found == kernel.file.btf_sha256)


def file_name(kernel: Kernel) -> str:
    """Return the name of the raw BTF of a kernel."""
    return f"{kernel.name.name}.btf"
