"""The kernels that a user names: a hub's files by name or branch, the user's own BTFs by path."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import sha256, write_atomically
from base.settings import Settings
from btfhub import archive, mirror, processes
from btfhub.file_errors import file_errors
from btfhub.lock import SUFFIX, HubFile, Lock
from btfhub.names import HubName, parse_name
from btfhub.raw import checked

_NAMES = "a hub names them by `uname -r`, or like a12-5.10-2022-05"


@dataclass(frozen=True)
class Kernel:
    """A kernel by its BTF: a file of a hub, or one at a path (raw, or packed as a hub packs)."""

    name: HubName
    file: HubFile | None = None
    path: Path | None = None

    @property
    def selector(self) -> str:
        """What selects this kernel alone: a release may not, where several folders have it."""
        return self.file.name if self.file else str(self.path)


def choose(
    selectors: Sequence[str], hub: str, lock: Lock, settings: Settings, *, any_name: bool = False
) -> list[Kernel]:
    """Return the kernels that hub names, branches, `all` and paths of BTFs select, each once.

    Args:
        any_name: accept BTFs whose name is not of a kernel. Else those of a hub are left out where
            a branch or `all` selects them.

    Raises:
        DroidbpfError: an unknown name, a path without a file or whose name is not of a kernel; two
            BTFs for the same one.
    """
    paths = [s for s in selectors if is_path(s) and s not in lock.files]
    others = [s for s in selectors if s not in paths]
    chosen = [_own(Path(path), any_name) for path in dict.fromkeys(paths)]
    if others:
        files = mirror.choose(others, hub, lock, settings)
        chosen += _of_hub(files, others, settings, any_name)
        if not chosen:
            raise DroidbpfError("no selected BTF is named after a kernel", _NAMES)
    seen: dict[str, str] = {}
    for kernel in chosen:
        other = seen.setdefault(kernel.name.name, kernel.selector)
        if other != kernel.selector:
            both = printable(f"{other} and {kernel.selector}")
            raise DroidbpfError(f"two BTFs for {kernel.name.name}: {both}", "name one of them")
    return chosen


def is_path(selector: str) -> bool:
    """Return whether a selector is the path of a BTF, not a name of the hub."""
    return os.sep in selector or selector.endswith((".btf", SUFFIX))


def _own(path: Path, any_name: bool) -> Kernel:
    if not path.is_file():
        raise DroidbpfError(
            f"there is no file {printable(str(path))}", "give the path of a .btf file"
        )
    try:
        return Kernel(parse_name(path.name), path=path)
    except DroidbpfError:
        if not any_name:
            raise
        name = printable(path.name.removesuffix(".btf"))
        return Kernel(HubName(name, "", "release"), path=path)


def _of_hub(
    files: Iterable[HubFile], selectors: Sequence[str], settings: Settings, any_name: bool
) -> Iterator[Kernel]:
    for file in files:
        try:
            name = parse_name(file.path)
        except DroidbpfError as error:
            if any_name:
                name = HubName(file.name, file.branch, "release")
            elif file.name in selectors:
                raise
            else:
                settings.report(f"left out: {error.message}")
                continue
        yield Kernel(name, file=file)


def obtain(kernels: Iterable[Kernel], hub: str, settings: Settings) -> dict[str, Path]:
    """Return the verified files of kernels by their names, downloading those of the hub at need.

    Raises:
        DroidbpfError: files that no place gives, each with the places.
    """
    kernels = list(kernels)
    files = [kernel.file for kernel in kernels if kernel.file]
    found = mirror.obtain(files, hub, settings)
    archives = {kernel.name.name: found[kernel.file.name] for kernel in kernels if kernel.file}
    return archives | {kernel.name.name: kernel.path for kernel in kernels if kernel.path}


def is_unpacked(kernel: Kernel, folder: Path) -> bool:
    """Return whether raw() needs no archive of the hub for a kernel."""
    if not kernel.file:
        return True
    try:
        return sha256(unpacked(kernel, folder)) == kernel.file.btf_sha256
    except OSError:
        return False


def raw(kernel: Kernel, packed: Path | None, folder: Path) -> Path:
    """Return the raw BTF of a kernel as a file, in the folder where it was packed.

    A BTF whose hash the lock has was checked when it was pinned; one at a path is checked here.

    Args:
        packed: the hub's archive, needed unless is_unpacked().
        folder: where BTFs are unpacked to.

    Raises:
        DroidbpfError: the archive or the BTF is damaged or hostile, or of another architecture.
    """
    path = unpacked(kernel, folder)
    if kernel.file:
        if is_unpacked(kernel, folder):
            return path
        data = archive.unpack(packed or Path())[1]
        if hashlib.sha256(data).hexdigest() != kernel.file.btf_sha256:
            raise DroidbpfError(f"the BTF in {kernel.file.path} is not the one of the lock")
    else:
        own = kernel.path or Path()
        data = checked(own)
        if own.stat().st_size == len(data):  # it is raw already
            return own
    with file_errors("write", path):
        write_atomically(path, data)
    return path


def unpack(kernels: Iterable[Kernel], archives: Mapping[str, Path], folder: Path) -> None:
    """Unpack archives of the hub by their kernels' names, on all CPUs.

    Raises:
        DroidbpfError: as raw().
    """
    kernels = list(kernels)
    packed = [archives[kernel.name.name] for kernel in kernels]
    processes.each(partial(raw, folder=folder), kernels, packed)


def unpacked(kernel: Kernel, folder: Path) -> Path:
    """Return where the BTF of a kernel is unpacked to."""
    return folder / f"{kernel.name.name}.btf"
