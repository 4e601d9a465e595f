"""Names of files for SCons: as nodes, and as words in which nothing is expanded.

SCons expands `$NAME` and runs `${code}` in every string that it gets. What comes from outside, the
name of a file or a folder, reaches it through these functions, and commands name files by nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from base.errors import DroidbpfError, printable

# Safe in `> $TARGET`, after `-I` and as an alias.
APP = re.compile(r"\w[\w .+-]*")
HINT = "give it a name of letters, digits and _ . + -"
FIRST = "-@#"
BRACKET = re.compile(r"\$[()]")  # of SCons, in a command line
RULES = "no $( or $), no - @ # at the beginning"
_tops: list[Any] = []  # the node of the top folder


def file_node(env: Any, path: str) -> Any:
    """Return the node of a file.

    Args:
        path: from the top, or absolute.
    """
    return _top(env).File(path)


def folder_node(env: Any, path: str) -> Any:
    """Return the node of a folder, as file_node() does."""
    return _top(env).Dir(path)


def _top(env: Any) -> Any:
    if not _tops:  # of some 100 calls at each start, one looks it up
        _tops.append(env.Dir("#"))
    return _tops[0]


def literal(words: Iterable[str]) -> list[str]:
    """Return words of a command for SCons, in which no `$` is expanded.

    Raises:
        DroidbpfError: a word has control characters or is not UTF-8.
    """
    return [_readable(word).replace("$", "$$") for word in words]


def include_flags(target: Any, source: Any, env: Any, for_signature: bool) -> list[Any]:
    """Return the flags that name the folders of $CPPPATH, for $_CPPINCFLAGS.

    SCons's own function expands the names of the folders. No signature needs them: the headers
    that they lead to are in it.
    """
    if for_signature:
        return []
    paths = env.Flatten([env.get("CPPPATH", [])])  # bpftool's own libraries have none
    folders = (f if hasattr(f, "rfile") else env.Dir(f) for f in paths)
    return [env.Literal(f"-I{folder}") for folder in folders]


def refuse_arguments(options: Iterable[str], targets: Iterable[str]) -> None:
    """Refuse arguments of the command line that are not UTF-8, and targets that cannot be printed.

    Raises:
        DroidbpfError: names the first of them.
    """
    for option in options:
        if any("\ud800" <= letter <= "\udfff" for letter in option):
            raise DroidbpfError(f"{printable(option)} is not UTF-8", "rename what it names")
    for target in targets:
        if not target.isprintable():
            hint = "scons -h lists what a target may be"
            raise DroidbpfError(f"there is no target {printable(target)}", hint)


def refuse_app(name: str) -> None:
    """Refuse a name that an app cannot have.

    Raises:
        DroidbpfError: it has a character that is not safe everywhere in a command.
    """
    if not APP.fullmatch(name):
        raise DroidbpfError(f"an app cannot be called {printable(name)}", HINT)


def refuse_folder(path: str, option: str) -> None:
    """Refuse the name of a folder that SCons or a flag of a compiler cannot hold.

    Raises:
        DroidbpfError: it has control characters or a "=", or is not UTF-8, or begins with "-", "@"
            or "#": an option, a file of options, SCons's top folder.
    """
    if "=" in path or _unusable(path):
        message = f"{option}{printable(path)}: a folder cannot have such a name"
        raise DroidbpfError(message, f"rename it: UTF-8, no control characters, no =, {RULES}")


def refuse_files(folder: str, names: Sequence[str]) -> None:
    """Refuse names of sources and headers that a message or a command cannot hold.

    Raises:
        DroidbpfError: names the first of them.
    """
    for name in names:
        if _unusable(name):
            message = f"{folder}/{printable(name)}: a source cannot have such a name"
            raise DroidbpfError(message, f"rename it: UTF-8, no control characters, {RULES}")


def _unusable(path: str) -> bool:
    return path[0] in FIRST or bool(BRACKET.search(path)) or not path.isprintable()


def harmless(name: str) -> str:
    """Return a safe name for the node of an app whose own name may be refused."""
    return "".join(c if APP.fullmatch(f"a{c}") else f"%{ord(c):x}" for c in name)


def _readable(word: str) -> str:
    if not word.isprintable():
        raise DroidbpfError(
            f"a build cannot use {printable(word)}: its name has control characters",
            "rename the folder or the program",
        )
    return word
