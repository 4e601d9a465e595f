"""`./dev vmlinux renew`: take the BTFs from the distribution's kernel packages.

A newer kernel's BTF has the types of older kernels, too, and programs are relocated at load time.
The full kernels are used, not the cloud kernels, since they have more drivers.
"""

import argparse
import hashlib
import lzma
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import write_atomically
from base.progress import show_progress
from base.settings import Settings

FOLDER = Path(__file__).parent
SOURCES = "SOURCES.toml"
SUITE = "trixie"
# Our name of an architecture → the distribution's.
ARCHES = {"arm64": "arm64", "x86_64": "amd64"}
MAX_BTF_BYTES = 64 << 20


@dataclass(frozen=True)
class Source:
    """Where one BTF came from. Sizes in bytes."""

    package: str
    version: str
    suite: str
    deb_sha256: str
    release: str
    btf_sha256: str
    btf_size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pinned", action="store_true", help=f"use the packages of {SOURCES}")
    which.add_argument("--check", action="store_true", help=f"compare the files with {SOURCES}")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Update or check the BTFs, and print what they are of; return 0."""
    if options.check:
        check(FOLDER)
    else:
        with show_progress(settings) as shown:
            renew(FOLDER, shown, pinned=options.pinned)
    for arch, source in sources(FOLDER).items():
        print(f"{arch:8}{source.release}  {source.btf_size} bytes")
    return 0


def sources(folder: Path) -> dict[str, Source]:
    """Read SOURCES.toml: architecture → where its BTF came from.

    Raises:
        DroidbpfError: it cannot be read, or renew() did not write it.
    """
    path = folder / SOURCES
    try:
        table = tomllib.loads(path.read_text())
        return {arch: Source(**table[arch]) for arch in ARCHES}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DroidbpfError(f"{_shown(path)} is not as renew writes it: {error}") from error


def check(folder: Path) -> None:
    """Compare each BTF with SOURCES.toml.

    Raises:
        DroidbpfError: a file is missing, broken, or not the one that SOURCES.toml describes.
    """
    for arch, source in sources(folder).items():
        data = read(folder / f"{arch}.btf.xz")
        if (len(data), _sha256(data)) != (source.btf_size, source.btf_sha256):
            raise DroidbpfError(
                f"{arch}.btf.xz is not the BTF that {SOURCES} describes",
                "run: ./dev vmlinux renew --pinned",
            )


def read(path: Path) -> bytes:
    """Return the BTF in one of the .btf.xz files.

    Raises:
        DroidbpfError: it cannot be read or decompressed.
    """
    xz = lzma.LZMADecompressor()
    try:
        data = xz.decompress(path.read_bytes(), MAX_BTF_BYTES)
    except OSError as error:
        raise DroidbpfError(f"cannot read {_shown(path)}: {error.strerror}") from error
    except lzma.LZMAError as error:
        raise DroidbpfError(f"{_shown(path)} is broken: {error}") from error
    if not xz.eof or xz.unused_data:
        raise DroidbpfError(f"{_shown(path)} is broken: it is not one whole xz stream")
    return data


def renew(folder: Path, settings: Settings, *, pinned: bool = False) -> None:
    """Write the BTFs and SOURCES.toml.

    Args:
        pinned: use the packages that SOURCES.toml names.

    Raises:
        DroidbpfError: a package cannot be downloaded, or has no valid BTF.
    """
    known = sources(folder) if pinned else {}
    made = {arch: _take(arch, known.get(arch), settings) for arch in ARCHES}
    for arch, (_, data) in made.items():
        packed = lzma.compress(
            data, lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=9 | lzma.PRESET_EXTREME
        )
        write_atomically(folder / f"{arch}.btf.xz", packed)
    lines = ["# Where the BTFs come from. Written by: ./dev vmlinux renew"]
    for arch, (source, _) in made.items():
        lines += ["", f"[{arch}]"]
        lines += [
            f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"'
            for name, value in asdict(source).items()
        ]
    write_atomically(folder / SOURCES, "\n".join([*lines, ""]))


def _take(arch: str, known: Source | None, settings: Settings) -> tuple[Source, bytes]:
    """Return the BTF of an architecture's kernel package, and where it came from."""
    from fetch import apt
    from fetch.deb import unpack_deb
    from vmlinux import extract

    theirs = ARCHES[arch]
    suite = known.suite if known else SUITE
    package, version = (known.package, known.version) if known else _newest(theirs, settings)
    deb = apt.binary(package, suite=suite, arch=theirs, settings=settings, version=version)
    files = unpack_deb(deb, lambda path: path.startswith("boot/vmlinuz-"))
    if len(files) != 1:
        raise DroidbpfError(f"{package} holds {len(files)} kernels instead of one")
    [(path, image)] = files.items()
    data = extract.from_arm64_image(image) if arch == "arm64" else extract.from_bzimage(image)
    return (
        Source(
            package=package,
            version=version,
            suite=suite,
            deb_sha256=deb.name,
            release=path.removeprefix("boot/vmlinuz-"),
            btf_sha256=_sha256(data),
            btf_size=len(data),
        ),
        data,
    )


def _newest(arch: str, settings: Settings) -> tuple[str, str]:
    """Return the kernel package that the suite's metapackage depends on, and its version."""
    from fetch import apt

    metapackage = f"linux-image-{arch}"
    depends = apt.depends(metapackage, suite=SUITE, arch=arch, settings=settings)
    found = [name for name in depends if re.fullmatch(r"linux-image-\d\S+", name)]
    if len(found) != 1:
        listed = printable(", ".join(depends))
        raise DroidbpfError(f"{metapackage} depends on no kernel: {listed}")
    fields = apt.show(found[0], suite=SUITE, arch=arch, settings=settings)
    return found[0], fields["Version"]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _shown(path: Path) -> str:
    return printable(str(path))
