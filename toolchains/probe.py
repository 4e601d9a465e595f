"""What programs report about themselves, remembered until the programs change.

A compiler may be reached through others: a link to ccache, a script. So an answer belongs to the
path that was called, and what an answer depends on includes the program behind that path.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from base.files import write_atomically

TIMEOUT_S = 30
LONGEST_SCRIPT = 1 << 20  # bytes
# gcc, aarch64-linux-gnu-g++-12, clang++-19 …
COMPILER = re.compile(r"(?:^|[-/])(?:gcc|g\+\+|clang(?:\+\+)?)(?:-[0-9.]+)?$")
# What `gcc -###` and `clang -###` print of the program that is really running.
RUNNING = re.compile(r'^(?:COLLECT_GCC=(.+)| "([^"]+)" "-cc1".*)$', re.MULTILINE)
# The part of a name that is left in the name of what it links to: clang of clang++-19.
TOOL = re.compile(r"(clang|[a-z+]+[0-9]*)(?:\+\+)?(?:-[0-9.]+)?$")
# The shared libraries that hold a compiler's or linker's code, as ldd(1) prints them.
LIBRARIES = re.compile(r"(/\S*/lib(?:LLVM|clang|lld|bfd|opcodes)\S*) \(0x")


def identity(path: str) -> str:
    """Return what a build signature holds of a file: real path, size in bytes, mtime in ns.

    Reading and hashing a 130 MB compiler at every start would cost more than the build. Inode and
    ctime are left out: they differ between copies of one container image.

    Raises:
        OSError: there is no such file.
    """
    real = os.path.realpath(path)
    stat = os.stat(real)  # noqa: PTH116 - one call at every start; Path would double it
    return f"{real}:{stat.st_size}:{stat.st_mtime_ns}"


def which(name: str, path: str) -> str:
    """Return the first executable called name in the folders of path (as in $PATH), or ""."""
    return next(which_all(name, path), "")


def which_all(name: str, path: str) -> Iterator[str]:
    """Yield every executable called name in the folders of path, in their order."""
    for folder in filter(None, dict.fromkeys(path.split(os.pathsep))):
        file = f"{folder}/{name}"
        if os.access(file, os.X_OK) and not os.path.isdir(file):  # noqa: PTH112 - see identity()
            yield file


class Probes:
    """Answers of programs, kept in one JSON file between starts.

    Args:
        store: the file; it is created with the first answer, and a damaged one is replaced.
        path: the folders to look for programs in, as in $PATH.
        keep: write new answers to the file.
    """

    def __init__(self, store: Path, path: str, *, keep: bool = True) -> None:
        self._store = store
        self._keep = keep
        self.path = path
        self._identities: dict[str, str] = {}
        try:
            answers = json.loads(store.read_bytes())
        except (OSError, ValueError):
            answers = {}
        whole = isinstance(answers, dict) and all(isinstance(a, str) for a in answers.values())
        self._answers: dict[str, str] = answers if whole else {}

    def ask(self, program: str, *arguments: str) -> str:
        """Return what `program arguments…` prints (stdout, then stderr), "" if it fails."""
        key = self._key(program, arguments)
        if key not in self._answers:
            answer = _run([program, *arguments])
            if not answer:
                return ""  # ask again next time: the cause may have been temporary
            self._remember(key, answer)
        return self._answers[key]

    def locate(self, program: str, *arguments: str) -> str:
        """Return the path of the file that `program arguments…` prints, "" if it does not exist.

        In that case the program is asked again each time: it does not change when the file is
        installed.
        """
        for _ in range(2):
            path = self.ask(program, *arguments).strip()
            if os.path.isabs(path) and os.access(path, os.F_OK):  # noqa: PTH117 - see identity()
                return path
            self._answers.pop(self._key(program, arguments), None)
        return ""

    def which(self, name: str) -> str:
        """Return the path of a program, or "" if there is none."""
        return which(name, self.path)

    def identity(self, program: str) -> str:
        """Return what a build signature holds of a program, at the cost of a few stats.

        That is how it is called and its file; for a script or a link to a program of another name,
        every program that it may run in turn; for a compiler, the one that really runs; the shared
        libraries that hold the code.

        Raises:
            OSError: there is no such program.
        """
        if program not in self._identities:
            own = _content(program)
            parts = [f"{program}={own}"]
            if _is_wrapper(program, own):
                name = os.path.basename(program)  # noqa: PTH119 - see identity()
                parts += map(_content, which_all(name, self.path))
            running = [program] if ":" in own else []
            if COMPILER.search(program):
                running = self._files(program, " ".join(parts), self._running) or running
            for path in running:
                parts += map(identity, self._files(path, identity(path), self._with_libraries))
            self._identities[program] = " ".join(dict.fromkeys(parts))
        return self._identities[program]

    def _files(self, program: str, state: str, find: Callable[[str], list[str]]) -> list[str]:
        """Return the files that belong to a program; find them if one of those known is gone.

        Args:
            state: what changes when the program does.
        """
        key = f"{state} {find.__name__}"
        known = self._answers.get(key)
        if known is None or not all(os.access(file, os.F_OK) for file in known.splitlines()):
            known = "\n".join(find(program))
            if known:
                self._remember(key, known)
        return known.splitlines()

    def _running(self, compiler: str) -> list[str]:
        """Return the path under which a compiler itself was started, which links may lead to."""
        words = [compiler, "-no-canonical-prefixes", "-###", "-xc", "-c", os.devnull]
        found = RUNNING.search(_run(words))
        path = (found[1] or found[2]) if found else ""
        path = path if os.path.isabs(path) else self.which(path)  # noqa: PTH117 - see identity()
        return [path] if path else []

    def _with_libraries(self, program: str) -> list[str]:
        """Return a program and the shared libraries that hold a part of its code."""
        ldd = self.which("ldd")
        report = _run([ldd, program]) if ldd else ""
        return [program, *sorted(set(LIBRARIES.findall(report)))]

    def _key(self, program: str, arguments: Sequence[str]) -> str:
        return " ".join((self.identity(program), *arguments))

    def _remember(self, key: str, answer: str) -> None:
        self._answers[key] = answer
        if not self._keep:
            return
        # A read-only build folder: the build itself reports it, with the remedy.
        with contextlib.suppress(OSError):
            write_atomically(self._store, json.dumps(self._answers, indent=1, sort_keys=True))


def _is_wrapper(program: str, content: str) -> bool:
    """Return whether a program is a script, or a link to a program of an unrelated name."""
    real, _, stamp = content.rpartition("/")[2].partition(":")
    tool = TOOL.search(program)
    return not stamp or not tool or tool[1] not in real


def script(program: str) -> bytes:
    """Return what follows `#!` in a program that is a script, b"" for any other."""
    with contextlib.suppress(OSError), open(program, "rb") as file:  # noqa: PTH123 - as identity()
        if file.read(2) == b"#!":
            return file.read(LONGEST_SCRIPT)
    return b""


def _content(program: str) -> str:
    """Return the identity of a program, for a script the hash of its content."""
    text = script(program)
    return hashlib.sha256(text).hexdigest() if text else identity(program)


def _run(command: Sequence[str]) -> str:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""
