"""The BTFs that a command line names: files by paths, a hub's files by name or branch."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError, printable
from base.settings import Settings
from btfhub import btf, images, kernels, mirror, processes
from btfhub.file_errors import errors_of
from btfhub.lock import HubFile, Lock
from btfhub.names import parse_name

Row = dict[str, Any]


@dataclass(frozen=True)
class Input:
    """One BTF.

    Attributes:
        name: the hub's name of it, or the path as it was given.
        branch: "android12-5.10" of a hub's name such as a12-5.10-2022-05; "" of a release, whose
            BTF comes from that kernel itself.
        path: its file; of a hub, verified.
        pinned: the lock has its hash, so it was checked.
    """

    name: str
    branch: str
    path: Path
    pinned: bool = False


def gather(selectors: Sequence[str], hub: str, lock: Lock, settings: Settings) -> list[Input]:
    """Return what names, branches, `all` and paths select, in the order of the selectors.

    Raises:
        DroidbpfError: a name is unknown, or a file of the hub is not available. Files at paths
            are not opened.
    """
    found: dict[str, Input | HubFile] = {}
    for selector in selectors:
        if _is_path(selector, lock):
            found[selector] = Input(printable(selector), _branch(selector), Path(selector))
        else:
            found |= {file.name: file for file in mirror.choose([selector], hub, lock, settings)}
    files = [one for one in found.values() if isinstance(one, HubFile)]
    paths = mirror.obtain(files, hub, settings)
    return [
        one if isinstance(one, Input) else Input(one.name, _branch(one.path), paths[one.name], True)
        for one in found.values()
    ]


def read(given: Input, *, again: bool = False) -> bytes:
    """Return a BTF that passed btf.check(), when it was pinned or now.

    Args:
        again: check also what was checked when it was pinned.

    Raises:
        DroidbpfError: it cannot be read, is damaged or hostile; the message names it.
    """
    data = images.read(given.path)
    if again or not given.pinned:
        with errors_of(given.name):
            btf.check(data)
    return data


def rows(do: Callable[[Input], Row], given: Sequence[Input]) -> list[Row]:
    """Return a row for each input, by several processes; one with an "error" is printed."""
    found = processes.each(partial(_row, do), given)
    for row in found:
        if "error" in row:
            print(DroidbpfError(row["error"], row["hint"]), file=sys.stderr)
    return found


def _row(do: Callable[[Input], Row], given: Input) -> Row:
    try:
        return {"name": given.name} | do(given)
    except DroidbpfError as error:
        return {"name": given.name, "error": error.message, "hint": error.hint}


def _is_path(selector: str, lock: Lock) -> bool:
    if selector in lock.files:
        return False
    return kernels.is_path(selector) or Path(selector).is_file()


def _branch(path: str) -> str:
    """Return the branch in a hub's file name; "" for none, and for a release's own BTF."""
    try:
        return parse_name(path).branch
    except DroidbpfError:
        return ""
