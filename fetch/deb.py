"""Read files out of a Debian package, in memory; nothing of it is run or written."""

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from base.errors import DroidbpfError
from fetch.tarwalk import ArchiveError, Limits, Stream, walk

# A kernel package unpacks to about 100 MB, a debug package to ten times that.
_LIMITS = Limits(total=4 << 30, file=1 << 30)
_MEMORY = 1 << 30


def unpack_deb(deb: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Give the content of some files of a package, by their paths without a leading `./`.

    Args:
        wanted: tells of a path whether its file is wanted; links are never given.

    Raises:
        DroidbpfError: no dpkg-deb, a damaged package, more than 1 GiB wanted.
    """
    found: dict[str, bytes] = {}
    left = _MEMORY
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with contextlib.ExitStack() as stack:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            hint = "install the distribution's package dpkg"
            raise DroidbpfError("no dpkg-deb on this machine", hint) from error
        stack.enter_context(process)
        stack.callback(process.kill)
        assert process.stdout
        try:
            for entry in walk(Stream(process.stdout, None, _LIMITS.total), _LIMITS):
                if entry.kind != "file" or not wanted(entry.path):
                    continue
                left -= entry.size
                if entry.path in found or left < 0:
                    raise ArchiveError(f"holds {entry.path} twice, or too much is wanted")
                found[entry.path] = b"".join(entry.chunks())
        except ArchiveError as error:
            raise ArchiveError(f"the package {deb} {error.message}") from error
    return found
