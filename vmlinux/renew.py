"""`./dev vmlinux renew`: take the BTFs from the distribution's kernel packages.

A newer kernel's BTF has the types of older kernels, too, and programs are relocated at load time.
The full kernels are used, not the cloud kernels, since they have more drivers.
"""

import argparse
import hashlib
import json
import lzma
import re
import struct
import subprocess
import tempfile
from pathlib import Path

from base.errors import DroidbpfError, printable, printable_lines
from base.files import write_atomically
from base.progress import show_progress
from base.settings import Settings

FOLDER = Path(__file__).parent
SUITE = "trixie"
# Our name of an architecture → the distribution's.
ARCHES = {"arm64": "arm64", "x86_64": "amd64"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Update the BTFs and SOURCES.toml, and print what they are of; return 0."""
    lines = ["# Where the BTFs come from. Written by: ./dev vmlinux renew"]
    with show_progress(settings) as shown:
        taken = {arch: _take(theirs, shown) for arch, theirs in ARCHES.items()}
    for arch, (source, data) in taken.items():
        packed = lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)
        write_atomically(FOLDER / f"{arch}.btf.xz", packed)
        lines += ["", f"[{arch}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in source.items()]
        print(f"{arch:8}{source['release']}  {source['btf_size']} bytes")
    write_atomically(FOLDER / "SOURCES.toml", "\n".join([*lines, ""]))
    return 0


def _take(arch: str, settings: Settings) -> tuple[dict[str, str | int], bytes]:
    """Return where the newest kernel's BTF comes from, as in SOURCES.toml, and the BTF."""
    from fetch import apt, download
    from fetch.deb import unpack_deb

    package = _newest(arch, settings)
    pin = apt.pin(package, suite=SUITE, arch=arch, settings=settings)
    deb = download.obtain(pin, settings)
    files = unpack_deb(deb, lambda path: path.startswith("boot/vmlinuz-"))
    if len(files) != 1:
        raise DroidbpfError(f"{package} holds {len(files)} kernels instead of one")
    [(path, image)] = files.items()
    data = btf_of(image)
    source: dict[str, str | int] = {
        "package": package,
        "version": pin.version,
        "suite": SUITE,
        "deb_sha256": pin.sha256,
        "release": path.removeprefix("boot/vmlinuz-"),
        "btf_sha256": hashlib.sha256(data).hexdigest(),
        "btf_size": len(data),
    }
    return source, data


def _newest(arch: str, settings: Settings) -> str:
    """Return the kernel package that the suite's metapackage depends on."""
    from fetch import apt

    metapackage = f"linux-image-{arch}"
    depends = apt.depends(metapackage, suite=SUITE, arch=arch, settings=settings)
    found = [name for name in depends if re.fullmatch(r"linux-image-\d\S+", name)]
    if len(found) != 1:
        listed = printable(", ".join(depends))
        raise DroidbpfError(f"{metapackage} depends on no kernel: {listed}")
    return found[0]


def btf_of(image: bytes) -> bytes:
    """Return the BTF in a kernel image as packages carry it: an arm64 Image or an x86 bzImage.

    Raises:
        DroidbpfError: it is neither, or has no valid BTF.
    """
    from btfhub import btf, images

    with tempfile.NamedTemporaryFile() as file:
        file.write(_unpacked(image) if image[0x202:0x206] == b"HdrS" else image)
        file.flush()
        data = images.read(Path(file.name))
    btf.check(data)
    return data


def _unpacked(image: bytes) -> bytes:
    """Return the ELF file that is a bzImage's payload (Documentation/arch/x86/boot.rst)."""
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    payload = image[start : start + length - 4]  # four bytes more have its size
    try:
        done = subprocess.run(["zstd", "-dc"], input=payload, capture_output=True)
    except FileNotFoundError as error:
        raise DroidbpfError("zstd is not installed", "run: apt-get install zstd") from error
    if done.returncode:
        errors = printable_lines(done.stderr.decode(errors="replace").strip())
        raise DroidbpfError(f"the bzImage's payload is broken: {errors}")
    return done.stdout
