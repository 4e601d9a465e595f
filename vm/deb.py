"""Reads chosen files of a Debian package into memory: nothing is written, no link followed."""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from fetch.errors import DroidbpfError

MAX_BYTES = 1 << 30


def read(deb: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Give the regular files of a package whose path (as "boot/vmlinuz-6.1") is wanted.

    Raises:
        DroidbpfError: it is no package, or the files are over 1 GiB together.
    """
    found: dict[str, bytes] = {}
    total = 0
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    path = member.name.removeprefix("./")
                    if not member.isreg() or not wanted(path):
                        continue
                    total += member.size
                    if total > MAX_BYTES:
                        raise DroidbpfError(f"{deb}: its files are over {MAX_BYTES} bytes")
                    content = archive.extractfile(member)
                    assert content is not None
                    found[path] = content.read()
        except tarfile.TarError as error:
            raise DroidbpfError(f"{deb} is not a package: {error}") from error
        finally:
            process.kill()
    return found
