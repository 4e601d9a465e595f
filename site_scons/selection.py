"""Which apps a command line asks for, told by folders alone: no app's script is read for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from fetch.errors import DroidbpfError, did_you_mean

VERBS = ("run", "report", "list", "doctor", "compile_commands.json")


def normal(path: str) -> str:
    """Give a path as seen from here where it is below here, else absolute, without "." and ".."."""
    path = os.path.abspath(os.path.expanduser(path))
    inside = os.path.commonpath((path, os.getcwd())) == os.getcwd()
    return os.path.relpath(path) if inside else path


def as_node(path: str) -> str:
    """Give a path as SCons takes it: from the top, `$` for itself."""
    path = path.replace("$", "$$")
    return path if os.path.isabs(path) else f"#{path}"


def names(apps_dir: str) -> list[str]:
    """Give the apps of a folder: its subfolders, but hidden ones.

    Raises:
        DroidbpfError: there is no such folder.
    """
    try:
        with os.scandir(apps_dir) as entries:
            return sorted(e.name for e in entries if e.name[0] not in "._" and e.is_dir())
    except OSError as error:
        hint = "apps_dir= takes a folder that holds one folder per app"
        raise DroidbpfError(f"apps_dir={apps_dir}: {error.strerror}", hint) from None


def chosen(known: Sequence[str], app: str, targets: Sequence[str], variant: str) -> list[str]:
    """Give the apps to read: those of app=, else those that targets name, else all.

    Args:
        known: all apps.
        app: the option, comma separated names or "all".
        targets: the targets of the command line: apps, verbs, files.
        variant: the folder below which an app's files are in apps/<app>.

    Raises:
        DroidbpfError: an app that is not known; offers the nearest name.
    """
    wanted = [] if app == "all" else [name for name in app.split(",") if name]
    if not wanted and app != "all":
        raise DroidbpfError(f"app={app} names no app", "app=NAME[,NAME…], or app=all")
    for target in map(normal, targets):
        if target.startswith(f"{variant}/apps/"):
            wanted.append(target.split("/")[3])
        elif f"{variant}/apps/".startswith(f"{target}/") or target == ".":
            return list(known)
        elif "/" not in target and target not in VERBS and not os.path.exists(target):
            wanted.append(target)
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, [*known, *VERBS], "scons list shows the apps there are")
            raise DroidbpfError(f"there is no app {name}", hint)
    if wanted or (targets and not set(targets) & set(VERBS)):
        return list(dict.fromkeys(wanted))
    return list(known)


def one(programs: Mapping[str, Any]) -> Any:
    """Give the only program there is to run.

    Raises:
        DroidbpfError: there are several.
    """
    if len(programs) != 1:
        raise DroidbpfError(f"run takes one app, not {len(programs)}", "name it: app=NAME run")
    return next(iter(programs.values()))
