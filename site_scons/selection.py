"""Which apps a command line asks for, told by folders alone: no app's script is read for it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from base.errors import DroidbpfError, did_you_mean

BPF = ".bpf.c"
USER_SPACE = (".c", ".cc", ".cpp")
# The start of a main() that is not a prototype, and what may leave it out.
MAIN = re.compile(rb"^(?:[a-z][\w \t*]*\s)?main\s*\([^;{}]*\{", re.MULTILINE)
CONDITIONS = re.compile(rb"^[ \t]*#[ \t]*(if|endif)", re.MULTILINE)
VERBS = ("run", "report", "list", "doctor", "compile_commands.json")


class Layout(NamedTuple):
    """A folder of apps.

    Args:
        apps_dir: the folder.
        flat: its apps are files of it, not folders.
        names: the apps, sorted.
        common: of a flat one, the user space sources that belong to no app.
    """

    apps_dir: str
    flat: bool
    names: list[str]
    common: tuple[str, ...]


def normal(path: str) -> str:
    """Give a path as seen from here where it is below here, else absolute, without "." and ".."."""
    path = os.path.abspath(os.path.expanduser(path))
    inside = os.path.commonpath((path, os.getcwd())) == os.getcwd()
    return os.path.relpath(path) if inside else path


def as_node(path: str) -> str:
    """Give a path as SCons takes it: from the top, `$` for itself."""
    path = path.replace("$", "$$")
    return path if os.path.isabs(path) else f"#{path}"


def literal(words: Sequence[str]) -> list[str]:
    """Give words of a command as SCons takes them, `$` for itself."""
    return [word.replace("$", "$$") for word in words]


def layout(apps_dir: str) -> Layout:
    """Give what a folder of apps holds.

    A folder that has BPF programs itself is flat: <name>.bpf.c and <name>.c are an app, and what
    belongs to none is common to all. Else each subfolder is an app, but hidden ones and _common.

    Raises:
        DroidbpfError: there is no such folder.
    """
    files, folders = [], []
    try:
        with os.scandir(apps_dir) as entries:
            for entry in entries:
                if entry.name[0] not in "._":
                    (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        hint = "apps_dir= takes a folder of apps: one folder per app, or NAME.bpf.c and NAME.c"
        raise DroidbpfError(f"apps_dir={apps_dir}: {error.strerror}", hint) from None
    names = sorted(f.removesuffix(BPF) for f in files if f.endswith(BPF))
    if not names:
        return Layout(apps_dir, False, sorted(folders), ())
    own = set(names)
    sources = [f for f in sorted(files) if f.endswith(USER_SPACE) and not f.endswith(BPF)]
    common = tuple(f for f in sources if f.rpartition(".")[0] not in own)
    return Layout(apps_dir, True, names, common)


def is_program(path: str) -> bool:
    """Tell whether a source has a main(), other than one between #if and #endif.

    It is no part of an app: where it does not compile, that is to keep none back.
    """
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return False  # the step that compiles it tells
    main = MAIN.search(text)
    conditions = CONDITIONS.findall(text, 0, main.start()) if main else []
    return bool(main) and conditions.count(b"if") == conditions.count(b"endif")


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
        elif target in VERBS or "/" in target:
            continue
        elif target in known or not os.path.exists(target):
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
