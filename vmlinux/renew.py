"""`python -m vmlinux.renew`: take the BTFs anew from the distribution's kernel packages.

    python -m vmlinux.renew            the newest packages of the suite
    python -m vmlinux.renew --pinned   the packages in SOURCES.toml: gives the same bytes again
    python -m vmlinux.renew --check    compare the files with SOURCES.toml; no network

A newer kernel's BTF has the types of the older ones, and programs are relocated at load time. The
full kernels are taken, not the cloud ones: they know more drivers.
"""

import argparse
import hashlib
import lzma
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from base.errors import DroidbpfError
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m vmlinux.renew",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pinned", action="store_true", help="the packages in SOURCES.toml")
    which.add_argument("--check", action="store_true", help="only compare files and SOURCES.toml")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            check(FOLDER)
        else:
            with show_progress(Settings.from_environment()) as settings:
                renew(FOLDER, settings, pinned=options.pinned)
        for arch, source in sources(FOLDER).items():
            print(f"{arch:8}{source.release}  {source.btf_size} bytes")
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def sources(folder: Path) -> dict[str, Source]:
    """Read SOURCES.toml: architecture → where its BTF came from."""
    try:
        table = tomllib.loads((folder / SOURCES).read_text())
        return {arch: Source(**table[arch]) for arch in ARCHES}
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise DroidbpfError(f"{folder / SOURCES} is not as renew writes it: {error}") from error


def check(folder: Path) -> None:
    """Compare each BTF with SOURCES.toml.

    Raises:
        DroidbpfError: a file that is missing, broken, or not the one that SOURCES.toml tells of.
    """
    from btfhub import btf

    for arch, source in sources(folder).items():
        data = read(folder / f"{arch}.btf.xz")
        if (len(data), _sha256(data)) != (source.btf_size, source.btf_sha256):
            raise DroidbpfError(
                f"{arch}.btf.xz is not the BTF that {SOURCES} tells of",
                "run: python -m vmlinux.renew --pinned",
            )
        btf.check(data)


def read(path: Path) -> bytes:
    """Give the BTF in one of the .btf.xz files.

    Raises:
        DroidbpfError: it cannot be read or decompressed.
    """
    xz = lzma.LZMADecompressor()
    try:
        data = xz.decompress(path.read_bytes(), MAX_BTF_BYTES)
    except OSError as error:
        raise DroidbpfError(f"cannot read {path}: {error.strerror}") from error
    except lzma.LZMAError as error:
        raise DroidbpfError(f"{path} is broken: {error}") from error
    if not xz.eof or xz.unused_data:
        raise DroidbpfError(f"{path} is broken: it is not one whole xz stream")
    return data


def renew(folder: Path, settings: Settings, *, pinned: bool = False) -> None:
    """Write the BTFs and SOURCES.toml.

    Args:
        pinned: take the packages that SOURCES.toml names.

    Raises:
        DroidbpfError: the archive does not give a package, or it has no sound BTF.
    """
    known = sources(folder) if pinned else {}
    made = {arch: _take(arch, known.get(arch), settings) for arch in ARCHES}
    for arch, (_, data) in made.items():
        packed = lzma.compress(
            data, lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=9 | lzma.PRESET_EXTREME
        )
        _write(folder / f"{arch}.btf.xz", packed)
    lines = ["# Where the BTFs come from. Written by: python -m vmlinux.renew"]
    for arch, (source, _) in made.items():
        lines += ["", f"[{arch}]"]
        lines += [
            f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"'
            for name, value in asdict(source).items()
        ]
    _write(folder / SOURCES, "\n".join([*lines, ""]).encode())


def _take(arch: str, known: Source | None, settings: Settings) -> tuple[Source, bytes]:
    """Give the BTF of an architecture's kernel package, and where it came from."""
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
    """Name the kernel package that the suite's metapackage depends on, and its version."""
    from fetch import apt

    metapackage = f"linux-image-{arch}"
    depends = apt.depends(metapackage, suite=SUITE, arch=arch, settings=settings)
    found = [name for name in depends if re.fullmatch(r"linux-image-\d\S+", name)]
    if len(found) != 1:
        raise DroidbpfError(f"{metapackage} depends on no kernel: {', '.join(depends)}")
    fields = apt.show(found[0], suite=SUITE, arch=arch, settings=settings)
    return found[0], fields["Version"]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
