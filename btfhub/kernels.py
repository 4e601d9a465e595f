"""The kernels that a user names: files of a hub by name or branch, BTFs of their own by path."""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.settings import Settings
from btfhub import archive, btf, mirror, plausible
from btfhub.lock import SUFFIX, HubFile, Lock
from btfhub.names import HubName, parse_name

ARCH = "arm64"  # of all kernels of the hubs
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
    """Give the kernels that hub names, branches, `all` and paths of BTFs select, each once.

    Args:
        any_name: take BTFs also where the name does not tell which kernel they are of. Else those
            of a hub are left out, where a branch or `all` selects them.

    Raises:
        DroidbpfError: a name that is not known, a path without a file, or whose name does not tell
            its kernel's release; two BTFs for the same one.
    """
    paths = [s for s in selectors if is_path(s) and s not in lock.files]
    others = [s for s in selectors if s not in paths]
    chosen = [_own(Path(path), any_name) for path in dict.fromkeys(paths)]
    if others:
        files = mirror.choose(others, hub, lock, settings)
        chosen += _of_hub(files, others, settings, any_name)
        if not chosen:
            raise DroidbpfError("no BTF that is selected tells its kernel by its name", _NAMES)
    seen: dict[str, str] = {}
    for kernel in chosen:
        other = seen.setdefault(kernel.name.name, kernel.selector)
        if other != kernel.selector:
            both = f"{other} and {kernel.selector}"
            raise DroidbpfError(f"two BTFs for {kernel.name.name}: {both}", "name one of them")
    return chosen


def is_path(selector: str) -> bool:
    """Tell a path of a BTF from the name of a hub file."""
    return os.sep in selector or selector.endswith((".btf", SUFFIX))


def _own(path: Path, any_name: bool) -> Kernel:
    if not path.is_file():
        raise DroidbpfError(f"there is no file {path}", "give the path of a .btf file")
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


def obtain(kernels: Iterable[Kernel], hub: str, lock: Lock, settings: Settings) -> dict[str, Path]:
    """Give the verified files of kernels by their names, downloading those of the hub at need.

    Raises:
        DroidbpfError: files that no place gives, each with the places.
    """
    kernels = list(kernels)
    files = [kernel.file for kernel in kernels if kernel.file]
    found = mirror.obtain(files, hub, lock, settings)
    archives = {kernel.name.name: found[kernel.file.name] for kernel in kernels if kernel.file}
    return archives | {kernel.name.name: kernel.path for kernel in kernels if kernel.path}


def is_unpacked(kernel: Kernel, folder: Path) -> bool:
    """Tell whether raw() needs no archive of the hub for a kernel."""
    if not kernel.file:
        return True
    try:
        with _unpacked(kernel, folder).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == kernel.file.btf_sha256
    except OSError:
        return False


def raw(kernel: Kernel, packed: Path | None, folder: Path) -> Path:
    """Give the raw BTF of a kernel as a file that was checked, in the folder where it was packed.

    What the folder has with the hash that the lock promises is taken for checked.

    Args:
        packed: the hub's archive, needed unless is_unpacked().
        folder: where BTFs are unpacked to.

    Raises:
        DroidbpfError: the archive or the BTF is damaged or hostile, or of another architecture.
    """
    if is_unpacked(kernel, folder) and kernel.file:
        return _unpacked(kernel, folder)
    if kernel.path and not kernel.path.name.endswith(SUFFIX):
        _check(kernel, _read(kernel.path))
        return kernel.path
    data = archive.unpack(packed or kernel.path or Path())[1]
    if kernel.file and hashlib.sha256(data).hexdigest() != kernel.file.btf_sha256:
        raise DroidbpfError(f"the BTF in {kernel.file.path} is not the one of the lock")
    _check(kernel, data)
    unpacked = _unpacked(kernel, folder)
    part = unpacked.with_name(f"{unpacked.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            return part.replace(unpacked)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DroidbpfError(f"cannot write {unpacked}: {error.strerror}") from error


def _check(kernel: Kernel, data: bytes) -> None:
    """Let nothing pass that is not a whole, sound BTF of a kernel of the hubs' architecture."""
    try:
        btf.check(data)
        plausible.kernel(data, ARCH)
    except DroidbpfError as error:
        where = kernel.path or kernel.name.name
        raise DroidbpfError(f"{where}: {error.message}", error.hint) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(btf.MAX_BYTES + 1)
    except OSError as error:
        raise DroidbpfError(f"cannot read {path}: {error.strerror}") from error


def _unpacked(kernel: Kernel, folder: Path) -> Path:
    return folder / f"{kernel.name.name}.btf"
