"""Extract a pinned source archive into a folder: all of it or nothing, and nothing outside.

The archive's hash was verified, so it is what was pinned: there is no limit of sizes or counts.
tarfile's own filters are missing in Debian 12's Python (3.11.2).
"""

import bz2
import contextlib
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO

from base.errors import DroidbpfError, printable
from fetch.errors import ArchiveError

# Every file gets this time: what is built must not depend on the clock. 1980-01-01, the zip epoch.
MTIME = 315_532_800
_CHUNK = 1 << 18
_GLOBAL_HEADERS = 100  # tarfile copies all of them for each member; git archive writes one
_OPEN = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


def extract(
    archive: Path,
    into: Path,
    *,
    only: Sequence[str] = (),
    layout: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Extract a tar archive (plain, gzip, bzip2, xz), without its single top folder.

    The folder appears when all is done, in place of what was there. Modes become 755 or 644, times
    MTIME.

    Args:
        only: the folders and files to extract, as paths below the top folder; () for all. Where
            all are files, the archive is read no further than to the last of them.
        layout: {folder to make: the archive's folder that it is made of}; what is in none of them
            is not extracted. Empty where the archive has the folders as they are needed.

    Raises:
        DroidbpfError: damaged, holds a path that leaves the folder, a link or a device, lacks one
            of `only`, or the folder cannot be written.
    """
    try:
        with _replaced(into) as folder, _open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                whole = _Tree(folder, only, layout).fill(tar)
            while whole and stream.read(_CHUNK):
                pass  # to the checksum
    except ArchiveError as error:
        raise ArchiveError(
            f"the archive {archive} {error.message}", "nothing was extracted"
        ) from error
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise _damaged(archive) from error
    except OSError as error:
        if error.errno is None:  # of gzip and bz2
            raise _damaged(archive) from error
        raise DroidbpfError(f"cannot extract {archive} to {into}: {error.strerror}") from error


def _damaged(archive: Path) -> ArchiveError:
    reason = f"the archive {archive} is damaged, or is no tar archive"
    return ArchiveError(reason, "nothing was extracted")


def _open(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        magic = file.read(2)
    opened: IO[bytes] = _OPEN.get(magic, open)(archive, "rb")  # type: ignore[operator]
    return opened


class _Tree:
    """A folder being filled. No link is ever in it: what builds need of the pins has none."""

    def __init__(self, folder: Path, only: Sequence[str], layout: Mapping[str, str]) -> None:
        self.folder = folder
        self.only = [name.strip("/") for name in only]
        self.layout = [(f"{theirs}/", f"{ours}/") for ours, theirs in layout.items()]
        self.kinds = {"": "folder"}

    def fill(self, tar: tarfile.TarFile) -> bool:
        """Write all members; return whether the archive was read to its end."""
        top = ""
        member = None
        missing = set(self.only)
        while member := tar.next():
            tar.members.clear()  # type: ignore[attr-defined]
            if len(tar.pax_headers) > _GLOBAL_HEADERS:
                raise ArchiveError(f"has more than {_GLOBAL_HEADERS} global headers")
            first, _, path = _plain(member.name).partition("/")
            top = top or first
            if first != top or not (path or member.isdir()):
                raise ArchiveError("does not have one single top folder")
            path = self._place(path)
            if path and self._wanted(path):
                self._add(tar, member, path)
                if not member.isdir():
                    missing.discard(path)
            if self.only and not missing:
                break
        if not top:
            raise ArchiveError("holds nothing")
        for name in self.only:
            if name not in self.kinds:
                raise ArchiveError(f"holds no {name}")
        return member is None

    def _place(self, path: str) -> str:
        """Return where a path below the archive's top folder belongs; "" for nowhere."""
        for theirs, ours in self.layout:
            if path.startswith(theirs):
                return ours + path.removeprefix(theirs)
        return "" if self.layout else path

    def _wanted(self, path: str) -> bool:
        return not self.only or any(
            path == name or path.startswith(name + "/") for name in self.only
        )

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        if member.isdir():
            self._make_folder(path)
            return
        self._make_folder(path.rpartition("/")[0])
        self._claim(path, "file")
        content = tar.extractfile(member) if member.isreg() else None
        if content is None or member.issparse():
            raise ArchiveError(f"holds neither file nor folder: {printable(path)}")
        with (self.folder / path).open("xb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
            os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        os.utime(self.folder / path, (MTIME, MTIME))

    def _make_folder(self, path: str) -> None:
        if self.kinds.get(path) != "folder":
            self._make_folder(path.rpartition("/")[0])
            self._claim(path, "folder")
            (self.folder / path).mkdir()
            (self.folder / path).chmod(0o755)

    def _claim(self, path: str, kind: str) -> None:
        if path in self.kinds:
            raise ArchiveError(f"holds {printable(path)} twice")
        self.kinds[path] = kind


def _plain(name: str) -> str:
    """Return a member's name without `.` and empty parts."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ArchiveError(f"holds a path that leaves it: {printable(name)}")
    return "/".join(parts)


@contextlib.contextmanager
def _replaced(into: Path) -> Iterator[Path]:
    """Yield a new folder that is put in the place of another at the end, or removed on an error."""
    folder = into.with_name(f".{into.name}.tmp")
    _remove(folder)  # of who was killed: a build has one step for each folder
    folder.mkdir(parents=True)
    try:
        folder.chmod(0o755)
        yield folder
        _remove(into)
        folder.rename(into)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
