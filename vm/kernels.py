"""The kernels to boot: the distribution's cloud kernels by version, or any arm64 Image."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError, printable
from base.settings import Settings
from vm import store

# The drivers of the ports to the host. A kernel that has them built in has no such modules.
PORT_MODULES = ("virtio_pci", "virtio_console")


@dataclass(frozen=True)
class Kernel:
    """A kernel that can be booted.

    Attributes:
        name: as the user wrote it: "5.10", or the path.
        image: the arm64 Image, plain or compressed by gzip.
        release: its `uname -r`.
        modules: modules to load before the first command, in this order.
        package: the distribution's package, or "".
    """

    name: str
    image: Path
    release: str
    modules: tuple[Path, ...] = ()
    package: str = ""


def names() -> tuple[str, ...]:
    """Return the names of the distribution's kernels, the oldest first."""
    return tuple(_table()["kernel"])


def refuse_unknown(name: str) -> None:
    """Verify that a name is a kernel's or an arm64 Image's path; download nothing.

    Raises:
        DroidbpfError: it is neither.
    """
    if name not in names():
        _from_path(name)


def kernel(name: str, settings: Settings | None = None, *, renew: bool = False) -> Kernel:
    """Return a kernel by its name or by the path of an arm64 Image.

    Args:
        name: "5.10", "6.1", "6.12", or a path.
        renew: ask the archive for the newest package, even where one is in the cache.

    Raises:
        DroidbpfError: there is no such kernel or file, the file is not an arm64 Image, or the
            package cannot be downloaded.
    """
    settings = settings or Settings.from_environment()
    if name not in names():
        return _from_path(name)
    return (None if renew else cached(name, settings)) or _install(name, settings)


def cached(name: str, settings: Settings | None = None) -> Kernel | None:
    """Return one of the distribution's kernels if it is in the cache."""
    folder = store.current(name, settings or Settings.from_environment())
    return _from_folder(name, folder) if folder else None


def busybox(settings: Settings | None = None, *, renew: bool = False) -> Path:
    """Return the distribution's static busybox for arm64, from the cache or the archive."""
    from fetch.deb import unpack_deb

    def unpack(package: Path) -> tuple[Mapping[str, bytes], Mapping[str, object]]:
        files = unpack_deb(package, lambda path: path in ("bin/busybox", "usr/bin/busybox"))
        if len(files) != 1:
            raise DroidbpfError(f"{package} holds no busybox")
        return {"busybox": next(iter(files.values()))}, {}

    settings = settings or Settings.from_environment()
    folder = None if renew else store.current("busybox", settings)
    if folder is None:
        table = _table()["busybox"]
        package, suites = table["package"], table["suites"]
        folder = store.install("busybox", lambda suite: str(package), suites, settings, unpack)
    return folder / "busybox"


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "kernels.toml").read_text())


def _from_path(name: str) -> Kernel:
    from vm import image

    path = Path(name).absolute()
    if not path.is_file():
        known = f"{', '.join(names()[:-1])} or {names()[-1]}"
        hint = f"use {known}, or the path of an arm64 Image"
        raise DroidbpfError(f"no such kernel: {printable(name)}", hint)
    return Kernel(name, path, image.release(image.read(path)))


def _from_folder(name: str, folder: Path) -> Kernel:
    facts = store.facts(folder)
    modules = tuple(folder / module for module in facts["modules"])
    return Kernel(name, folder / "Image", facts["release"], modules, facts["package"])


def _install(name: str, settings: Settings) -> Kernel:
    from fetch import apt

    def choose(suite: str) -> str:
        metapackage = str(_table()["metapackage"])
        depends = apt.depends(metapackage, suite=suite, arch=store.ARCH, settings=settings)
        found = [p for p in depends if re.fullmatch(rf"linux-image-{re.escape(name)}\.\S+", p)]
        if len(found) != 1:
            listed = printable(", ".join(depends))
            raise DroidbpfError(f"{metapackage} depends on no kernel {name}: {listed}")
        return found[0]

    suites = _table()["kernel"][name]["suites"]
    return _from_folder(name, store.install(name, choose, suites, settings, _unpack))


def _unpack(package: Path) -> tuple[Mapping[str, bytes], Mapping[str, object]]:
    """Return a kernel package's Image and the modules that a machine needs, and their facts."""
    from fetch.deb import unpack_deb
    from vm import image, modules

    def is_virtio(path: str) -> bool:
        return re.search(r"/modules/.*/virtio[^/]*\.ko(\.\w+)?$", path) is not None

    found = unpack_deb(package, lambda path: path.startswith("boot/vmlinuz-") or is_virtio(path))
    images = [data for path, data in found.items() if path.startswith("boot/")]
    if len(images) != 1:
        raise DroidbpfError(f"{package} holds {len(images)} kernels instead of one")
    image.check(images[0], package)
    virtio = {modules.name(p): modules.unpack(p, data) for p, data in found.items() if is_virtio(p)}
    order = modules.load_order(virtio, PORT_MODULES)
    files = {f"{module}.ko": virtio[module] for module in order}
    known = {"release": image.release(images[0]), "modules": list(files)}
    return {"Image": images[0], **files}, known
