"""The kernels to boot: the distribution's cloud kernels by version, or any arm64 Image.

What is needed of a package is unpacked to the cache, at vm/<name>-<sha256 of the package>: the
kernel under its name, vmlinuz-<release>, and its modules, numbered in the order of loading.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import write_atomically
from base.settings import Settings
from fetch import cache

# Debian's arm64 cloud kernels: small, with BTF, and made for virtual machines; and their suites.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
METAPACKAGE = "linux-image-cloud-arm64"  # depends on the newest kernel of its suite
BUSYBOX = ("busybox-static", "bookworm")
ARCH = "arm64"
# The drivers of the ports to the host. A kernel that has them built in has no such modules.
PORT_MODULES = ("virtio_pci", "virtio_console")
VIRTIO = re.compile(r"/modules/.*/virtio[^/]*\.ko(\.\w+)?$")
_FOLDER = "vm"


@dataclass(frozen=True)
class Kernel:
    """A kernel that can be booted.

    Attributes:
        name: as the user wrote it: "5.10", or the path.
        image: the arm64 Image, plain or compressed by gzip.
        release: its `uname -r`.
        modules: modules to load before the first command, in this order.
    """

    name: str
    image: Path
    release: str
    modules: tuple[Path, ...] = ()


def refuse_unknown(name: str) -> None:
    """Verify that a name is a kernel's or an arm64 Image's path; download nothing.

    Raises:
        DroidbpfError: it is neither.
    """
    if name not in SUITES:
        _from_path(name)


def kernel(name: str, settings: Settings | None = None, *, renew: bool = False) -> Kernel:
    """Return a kernel by its name or by the path of an arm64 Image.

    Args:
        name: "5.10", "6.1", "6.12", or a path.
        settings: by default from the environment.
        renew: ask the archive for the newest package, even where one is in the cache.

    Raises:
        DroidbpfError: there is no such kernel or file, the file is not an arm64 Image, or the
            package cannot be downloaded.
    """
    if name not in SUITES:
        return _from_path(name)
    settings = settings or Settings.from_environment()
    if not renew and (found := cached(name, settings)):
        return found
    return _from_folder(name, _install(name, SUITES[name], settings, _unpack_kernel))


def cached(name: str, settings: Settings) -> Kernel | None:
    """Return one of the distribution's kernels if it is in the cache."""
    folder = _newest(name, settings)
    return _from_folder(name, folder) if folder else None


def busybox(settings: Settings, *, renew: bool = False) -> Path:
    """Return the distribution's static busybox for arm64, from the cache or the archive."""
    package, suite = BUSYBOX
    folder = None if renew else _newest(package, settings)
    return (folder or _install(package, suite, settings, _unpack_busybox)) / "busybox"


def _from_path(name: str) -> Kernel:
    from vm import image

    path = Path(name).absolute()
    if not path.is_file():
        hint = f"use one of {', '.join(SUITES)}, or the path of an arm64 Image"
        raise DroidbpfError(f"no such kernel: {printable(name)}", hint)
    return Kernel(name, path, image.release(image.read(path)))


def _from_folder(name: str, folder: Path) -> Kernel:
    image = next(folder.glob("vmlinuz-*"), None)
    if not image:
        raise DroidbpfError(f"there is no kernel in {folder}", f"remove it: rm -r {folder}")
    release = image.name.removeprefix("vmlinuz-")
    return Kernel(name, image, release, tuple(sorted(folder.glob("*.ko"))))


def _newest(name: str, settings: Settings) -> Path | None:
    """Return the folder that was unpacked last under a name, if there is one."""
    cache.check_owner(settings.cache, _FOLDER)
    folders = (settings.cache / _FOLDER).glob(f"{name}-*")
    return max(folders, key=lambda folder: folder.stat().st_mtime, default=None)


def _install(
    name: str, suite: str, settings: Settings, unpack: Callable[[Path], Mapping[str, bytes]]
) -> Path:
    """Return the folder of a suite's newest package. It appears by a rename: it is complete."""
    from fetch import apt

    if settings.offline:
        raise DroidbpfError(f"offline, and {name} is not in the cache", "run once: ./dev vm fetch")
    package = _kernel_package(name, suite, settings) if name in SUITES else name
    deb = apt.binary(package, suite=suite, arch=ARCH, settings=settings)
    folder = cache.make_folder(settings.cache, _FOLDER) / f"{name}-{deb.name}"
    with cache.lock(settings.cache, f"{_FOLDER}-{name}"), cache.writing(settings.cache):
        if not folder.exists():
            new = folder.with_name(f".{name}.new")
            shutil.rmtree(new, ignore_errors=True)  # left by a process that was killed
            for file, data in unpack(deb).items():
                write_atomically(new / file, data, sync=True)
            new.rename(folder)
    return folder


def _kernel_package(name: str, suite: str, settings: Settings) -> str:
    from fetch import apt

    for package in apt.depends(METAPACKAGE, suite=suite, arch=ARCH, settings=settings):
        if package.startswith(f"linux-image-{name}."):
            return package
    raise DroidbpfError(f"{METAPACKAGE} of {suite} depends on no kernel {name}")


def _unpack_kernel(package: Path) -> dict[str, bytes]:
    from fetch.deb import unpack_deb
    from vm import image, modules

    files = unpack_deb(package, lambda p: p.startswith("boot/vmlinuz-") or bool(VIRTIO.search(p)))
    unpacked = {}
    virtio = {}
    for path, data in files.items():
        if VIRTIO.search(path):
            virtio[modules.name(path)] = modules.unpack(path, data)
        else:
            image.check(data, package)
            unpacked[path.removeprefix("boot/")] = data
    for number, module in enumerate(modules.load_order(virtio, PORT_MODULES)):
        unpacked[f"{number:02}-{module}.ko"] = virtio[module]
    return unpacked


def _unpack_busybox(package: Path) -> dict[str, bytes]:
    from fetch.deb import unpack_deb

    [data] = unpack_deb(package, lambda path: path.endswith("bin/busybox")).values()
    return {"busybox": data}
