"""Extract a pinned source archive into a folder: all of it or nothing, and nothing outside.

The archive's hash was verified, so it is what was pinned: there is no limit of sizes or counts.
tarfile's own filters are missing in Debian 12's Python (3.11.2).
"""

import contextlib
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from base.errors import DroidbpfError, printable
from fetch.errors import ArchiveError

# Every file gets this time: what is built must not depend on the clock. 1980-01-01, the zip epoch.
MTIME = 315_532_800


def extract(
    archive: Path,
    into: Path,
    *,
    only: Sequence[str] = (),
    layout: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Extract a tar archive (plain, gzip, bzip2, xz), without its single top folder.

    The folder appears when all is done, in place of what was there. Modes of files become 755 or
    644, their times MTIME.

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
        with _replaced(into) as folder, tarfile.open(archive) as tar:
            _fill(folder, tar, only, layout)
    except ArchiveError as error:
        reason = f"the archive {archive} {error.message}"
        raise ArchiveError(reason, "nothing was extracted") from error
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        reason = f"the archive {archive} is damaged, or is no tar archive"
        raise ArchiveError(reason, "nothing was extracted") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DroidbpfError(f"cannot extract {archive} to {into}: {reason}") from error


def _fill(
    folder: Path, tar: tarfile.TarFile, only: Sequence[str], layout: Mapping[str, str]
) -> None:
    """Write the members of an archive, but no links: what builds need of the pins has none."""
    top = ""
    missing = set(only)
    wanted = tuple(f"{name}/" for name in only)
    while member := tar.next():
        tar.members.clear()  # type: ignore[attr-defined]
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if member.name.startswith("/") or ".." in parts:
            raise ArchiveError(f"holds a path that leaves it: {printable(member.name)}")
        if not parts:
            continue
        top = top or parts[0]
        if parts[:1] != [top] or not (parts[1:] or member.isdir()):
            raise ArchiveError("does not have one single top folder")
        path = _place("/".join(parts[1:]), layout)
        if path and (not only or f"{path}/".startswith(wanted)):
            _write(folder / path, tar, member)
            if not member.isdir():
                missing.discard(path)
        if only and not missing:
            break
    if not top:
        raise ArchiveError("holds nothing")
    for name in only:
        if not (folder / name).exists():
            raise ArchiveError(f"holds no {name}")


def _place(path: str, layout: Mapping[str, str]) -> str:
    """Return where a path below the archive's top folder belongs; "" for nowhere."""
    for ours, theirs in layout.items():
        if path.startswith(f"{theirs}/"):
            return ours + path.removeprefix(theirs)
    return "" if layout else path


def _write(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or member.issparse():
        raise ArchiveError(f"holds neither file nor folder: {printable(member.name)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)
    os.utime(path, (MTIME, MTIME))


@contextlib.contextmanager
def _replaced(into: Path) -> Iterator[Path]:
    """Yield a new folder that is put in the place of another at the end, or removed on an error."""
    folder = into.with_name(f".{into.name}.tmp")
    shutil.rmtree(folder, ignore_errors=True)  # of who was killed: a build has one step for each
    folder.mkdir(parents=True)
    try:
        yield folder
        shutil.rmtree(into, ignore_errors=True)
        folder.rename(into)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
