"""Read files out of a Debian package, in memory; nothing of it is run or written."""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from base.errors import DroidbpfError
from fetch.errors import ArchiveError

_MEMORY = 1 << 30


def unpack_deb(deb: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the content of some files of a package, by their paths without a leading `./`.

    Args:
        wanted: returns whether the file at a path is wanted; links are never returned.

    Raises:
        DroidbpfError: no dpkg-deb, a damaged package, more than 1 GiB to return.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    found: dict[str, bytes] = {}
    left = _MEMORY
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        hint = "install the distribution's package dpkg"
        raise DroidbpfError("no dpkg-deb on this machine", hint) from error
    with process:
        assert process.stdout
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for member in tar:
                    path = member.name.removeprefix("./")
                    if not member.isreg() or not wanted(path):
                        continue
                    left -= member.size
                    content = tar.extractfile(member)
                    if left < 0 or content is None:
                        raise ArchiveError(f"the package {deb} holds too much")
                    found[path] = content.read()
            while process.stdout.read(1 << 16):
                pass
        except tarfile.TarError as error:
            raise ArchiveError(f"the package {deb} is damaged") from error
        finally:
            process.stdout.close()
    if process.returncode:
        raise ArchiveError(f"the package {deb} is damaged")
    return found
