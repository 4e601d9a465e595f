"""Read files out of a Debian package, in memory; nothing of it is run or written."""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from base.errors import DroidbpfError


def unpack_deb(deb: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the content of some files of a package, by their paths without a leading `./`.

    Args:
        wanted: returns whether the file at a path is wanted; links are never returned.

    Raises:
        DroidbpfError: no dpkg-deb, or a damaged package.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    found = {}
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        hint = "install the distribution's package dpkg"
        raise DroidbpfError("no dpkg-deb on this machine", hint) from error
    damaged = DroidbpfError(f"the package {deb} is damaged")
    with process:
        assert process.stdout
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for member in tar:
                    path = member.name.removeprefix("./")
                    if member.isreg() and wanted(path) and (content := tar.extractfile(member)):
                        found[path] = content.read()
        except tarfile.TarError as error:
            raise damaged from error
        process.stdout.read()
    if process.returncode:
        raise damaged
    return found
