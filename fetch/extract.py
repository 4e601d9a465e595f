"""Extract a source archive into a folder: all of it or nothing, and nothing outside."""

import contextlib
import fcntl
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from base.errors import DroidbpfError
from fetch.tarwalk import DEFAULT, ArchiveError, Entry, Limits, open_archive, walk

# Every file gets this time: what is built must not depend on the clock. 1980-01-01, the zip epoch.
MTIME = 315_532_800


def extract(
    archive: Path,
    into: Path,
    *,
    only: Sequence[str] = (),
    layout: Mapping[str, str] = MappingProxyType({}),
    limits: Limits = DEFAULT,
) -> None:
    """Extract a tar archive (plain, gzip, bzip2, xz), without its single top folder.

    The folder appears when all is done, in place of what was there. Modes become 755 or 644, times
    MTIME. Memory use does not depend on the archive.

    Args:
        only: the folders and files wanted, as paths below the top folder; () for all. Where all
            are files, the archive is read no further than to the last of them.
        layout: {folder wanted: the archive's folder that it is made of}; what is in none of them
            is not extracted. Empty where the archive has the folders that are wanted.

    Raises:
        DroidbpfError: damaged or hostile (links and names that leave the folder, devices, two names
            that differ in case only …), lacks one of `only`, or the folder cannot be written.
    """
    try:
        with _temporary(into) as folder:
            with open_archive(archive, limits) as stream:
                tree = _Tree(folder, only, layout)
                try:
                    tree.fill(walk(stream, limits))
                except BaseException:
                    tree.undo()
                    raise
            _put(folder, into)
    except ArchiveError as error:
        raise ArchiveError(
            f"the archive {archive} {error.message}", "nothing was extracted"
        ) from error
    except OSError as error:
        raise DroidbpfError(f"cannot extract {archive} to {into}: {error.strerror}") from error


class _Tree:
    """A folder being filled. No symlink exists in it until every file is written."""

    def __init__(self, folder: Path, only: Sequence[str], layout: Mapping[str, str]) -> None:
        self.folder = folder
        self.only = [name.strip("/") for name in only]
        self.layout = [(f"{theirs}/", f"{ours}/") for ours, theirs in layout.items()]
        self.kinds: dict[str, str] = {"": "folder"}
        self.spelling: dict[str, str] = {}
        self.links: dict[str, str] = {}

    def fill(self, entries: Iterator[Entry]) -> None:
        """Write all members, then the symlinks, then check what these lead to."""
        top = ""
        missing = set(self.only)
        for entry in entries:
            first, _, path = entry.path.partition("/")
            top = top or first
            if first != top or (not path and entry.kind != "folder"):
                raise ArchiveError("has not one single top folder")
            path = self._place(path)
            if path and self._wanted(path):
                self._add(entry, path, top)
                if entry.kind != "folder":
                    missing.discard(path)
            if self.only and not missing:
                break
        for name in self.only:
            if name not in self.kinds:
                raise ArchiveError(f"holds no {name}")
        for path, target in self.links.items():
            self._at(path).symlink_to(target)
        root = self.folder.resolve()
        for path in self.links:
            real = Path(os.path.realpath(self._at(path)))
            if not real.is_relative_to(root) or real.is_symlink():
                raise ArchiveError(f"holds a link that leaves it or goes round: {path}")

    def undo(self) -> None:
        """Remove what was written, last first: listing 100,000 entries would take more memory."""
        self.spelling.clear()
        while self.kinds:
            path, kind = self.kinds.popitem()
            with contextlib.suppress(OSError):
                self._at(path).rmdir() if kind == "folder" else self._at(path).unlink()

    def _place(self, path: str) -> str:
        """Give where a path of the archive, below its top folder, is wanted; "" for nowhere."""
        for theirs, ours in self.layout:
            if path.startswith(theirs):
                return ours + path.removeprefix(theirs)
        return "" if self.layout else path

    def _wanted(self, path: str) -> bool:
        return not self.only or any(
            path == name or path.startswith(name + "/") for name in self.only
        )

    def _add(self, entry: Entry, path: str, top: str) -> None:
        self._make_parents(path)
        if entry.kind == "folder":
            self._make_folder(path)
            return
        if path in self.kinds:
            raise ArchiveError(f"holds {path} twice")
        self._claim(path, entry.kind)
        if entry.kind == "file":
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            handle = os.open(self._at(path), flags, 0o600)
            with os.fdopen(handle, "wb", buffering=0) as file:
                for chunk in entry.chunks():
                    while chunk:
                        chunk = chunk[file.write(chunk) :]
                os.fchmod(handle, 0o755 if entry.executable else 0o644)
                os.utime(handle, (MTIME, MTIME))
        elif entry.kind == "hardlink":
            target = self._place(entry.target.removeprefix(top + "/"))
            if self.kinds.get(target) not in ("file", "hardlink"):
                raise ArchiveError(f"holds a hard link to what is no file of it: {path}")
            os.link(self._at(target), self._at(path), follow_symlinks=False)
        else:
            lexical = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
            if entry.target.startswith("/") or lexical == ".." or lexical.startswith("../"):
                raise ArchiveError(f"holds a link that leaves it: {path}")
            if not entry.target or "\0" in entry.target:
                raise ArchiveError(f"holds a malformed link: {path}")
            self.links[path] = entry.target

    def _make_parents(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if parent not in self.kinds:
            self._make_parents(parent)
        self._make_folder(parent)

    def _make_folder(self, path: str) -> None:
        kind = self.kinds.get(path)
        if kind not in (None, "folder"):
            raise ArchiveError(f"holds {path} as a {kind} and as a folder")
        if kind is None:
            self._claim(path, "folder")
            self._at(path).mkdir()
            self._at(path).chmod(0o755)

    def _claim(self, path: str, kind: str) -> None:
        folded = path.casefold()
        other = self.spelling.setdefault(path if folded == path else folded, path)
        if other != path:
            raise ArchiveError(f"holds two names that differ in case only: {other}, {path}")
        self.kinds[path] = kind

    def _at(self, path: str) -> Path:
        return self.folder / path


@contextlib.contextmanager
def _temporary(into: Path) -> Iterator[Path]:
    """Make a folder beside the target, and remove it if it is still there at the end.

    It is locked while it is in use, so that what a killed process left is known and removed.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{into.name}."
    for stale in into.parent.glob(f"{prefix}*.tmp"):
        with contextlib.suppress(OSError), _locked(stale):
            shutil.rmtree(stale)
    folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=".tmp", dir=into.parent))
    try:
        with _locked(folder):
            folder.chmod(0o755)
            yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _put(folder: Path, into: Path) -> None:
    """Put the finished folder in its place; what was there goes first."""
    if into.is_symlink() or into.is_file():
        into.unlink()
    elif into.exists():
        old = folder.with_name(f"{folder.name[:-4]}.old.tmp")
        into.rename(old)
        folder.rename(into)
        shutil.rmtree(old, ignore_errors=True)
        return
    folder.rename(into)
