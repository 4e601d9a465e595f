"""SCons's database: kept step by step, and compared with the files that the steps made.

SCons writes its database when all is done: a killed build would lose what its finished steps made.
Here each finished step adds its entry to build/journal, and the next start reads it. SCons never
compares a target with what its step left: here a target is made again where its size or its content
has changed, and where a file that its compiler read has.

This is the one module that uses more of SCons than its public interface. That has a place for a
database module, but none for: the moment when the entry of a step is complete, a target whose own
state decides (a Decider is asked about each file that a target depends on, and so never about a
target without one), and times finer than a second.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

import SCons.Node
import SCons.Node.FS
import SCons.SConsign

import inputs
import workspace
from base.files import write_atomically
from journal import Journal

FILE = f"{workspace.BUILD}/sconsign"
PRODUCTS = f"{workspace.BUILD}/"
NOTHING = pickle.dumps({})

_journal = Journal(f"{workspace.BUILD}/journal")
_decided: dict[Any, Any] = {}  # targets -> what was known of them when their step was decided on
_depends_on_changed = SCons.Node.FS.File.changed


class Database(dict[str, bytes]):
    """The pickled entries of each folder, those of the journal merged into them.

    A database that cannot be read is empty: every step runs again.
    """

    def __init__(self) -> None:
        super().__init__(_saved())
        added = _journal.read()
        folders = {folder: pickle.loads(self.get(folder, NOTHING)) for folder, _, _ in added}
        for folder, name, entry in added:
            folders[folder][name] = entry
        for folder, entries in folders.items():
            self[folder] = pickle.dumps(entries, pickle.HIGHEST_PROTOCOL)
        self._written = True  # the journal stays until a step is done: -q changes nothing

    @classmethod
    def open(cls, name: str, mode: str) -> Database:
        """Return the database, for SCons."""
        return cls()

    def __setitem__(self, folder: str, entries: bytes) -> None:
        """Replace the entries of a folder."""
        super().__setitem__(folder, entries)
        self._written = False

    def sync(self) -> None:
        """Write what steps have changed; where the disk is full, the journal goes on holding it."""
        if self._written or not workspace.held():  # nothing is to be changed
            return
        try:
            write_atomically(FILE, pickle.dumps(dict(self), pickle.HIGHEST_PROTOCOL), sync=True)
        except OSError as error:
            print(f"warning: cannot write {FILE}: {error.strerror}", file=sys.stderr)
            return
        self._written = True
        _journal.clear()

    def close(self) -> None:
        """Do nothing: SCons has called sync()."""


def _saved() -> dict[str, bytes]:
    try:
        with open(FILE, "rb") as file:
            return dict(pickle.load(file))
    except Exception:  # pickle raises anything for a damaged file
        return {}


class Folder(SCons.SConsign.DB):  # type: ignore[misc]
    """The entries of a folder. Only steps change them: what is up to date has its entry."""

    def store_info(self, filename: str, node: Any) -> None:
        """Keep the entry of a target whose step has just ended."""
        if node not in _decided or node.get_state() != SCons.Node.executed:
            return
        node.binfo = _decided.pop(node)  # SCons forgets it, and would expand all commands again
        entry = node.get_stored_info()
        entry.binfo.merge(node.get_binfo())
        entry.ninfo.merge(node.get_ninfo())
        entry.convert_to_sconsign()
        self.set_entry(filename, entry)
        _journal.append((self.dir.get_internal_path(), filename, entry))


def use(env: Any) -> None:
    """Have SCons keep its database here, and decide here what is up to date."""
    env.SConsignFile("sconsign", Database)  # which knows FILE; SCons would create its folder
    SCons.SConsign.ForDirectory = Folder
    SCons.Node.FS.Base.getmtime = _mtime_ns
    SCons.Node.FS.File.get_max_drift_csig = _known_csig
    SCons.Node.FS.File.changed = _is_changed
    SCons.Node.FS.File.release_target_info = lambda node: None  # decides again, to save memory


def _is_changed(node: Any, repository: Any = None, allowcache: bool = False) -> bool:
    """Return whether a file must be made again: for what it depends on, or for itself."""
    changed = bool(_depends_on_changed(node, repository, allowcache))
    if not node.has_builder():
        return changed
    if hasattr(node, "binfo"):  # else the scanner asks, before what it depends on is built
        _decided[node] = node.binfo
    return inputs.outdated(node) or changed or _is_damaged(node)


def _is_damaged(target: Any) -> bool:
    """Return whether a target is not what its step left."""
    left = target.get_stored_info().ninfo
    try:
        return bool(target.get_size() != left.size or target.get_csig() != left.csig)
    except AttributeError:  # no step of ours has made it
        return True


def _mtime_ns(node: Any) -> int | None:
    """Return the mtime of a file in ns: two versions may have the same in whole seconds."""
    status = node.stat()
    return status.st_mtime_ns if status else None


def _known_csig(node: Any) -> str:
    """Return the hash of a product that was not written to since it was built; "" of others.

    Sources are read at every start: contents decide, whatever an editor or rsync does to times.
    """
    left = node.get_stored_info().ninfo
    try:
        if left.timestamp == node.get_timestamp() and left.size == node.get_size():
            return left.csig if node.get_internal_path().startswith(PRODUCTS) else ""
    except AttributeError:  # no step of ours has made it
        pass
    return ""
