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
from collections.abc import Iterator
from pathlib import Path

from base.files import write_atomically

TIMEOUT_S = 30
# gcc, aarch64-linux-gnu-g++-12, clang++-19 …
COMPILER = re.compile(r"(?:^|[-/])(?:gcc|g\+\+|clang(?:\+\+)?)(?:-[0-9.]+)?$")
# Has gcc and clang report their versions, and what they would run.
REPORT = ("-no-canonical-prefixes", "-###", "-xc", "-c", os.devnull)
VERSION = re.compile(r"\b(?:gcc|clang) version [0-9]\S*")
# What they report of the program that is really running.
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


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers in a name, by which versions are compared."""
    return tuple(map(int, re.findall(r"\d+", text)))


class Probes:
    """Answers of programs, kept in one JSON file between starts.

    Args:
        store: the file, which save() writes; a damaged one is begun again.
        path: the folders to look for programs in, as in $PATH.
    """

    def __init__(self, store: Path, path: str) -> None:
        folders: dict[str, str] = {}
        for folder in filter(None, path.split(os.pathsep)):
            folders.setdefault(os.path.realpath(folder), folder)
        self.path = os.pathsep.join(folders.values())  # each once: /bin may be a link to /usr/bin
        self._store = store
        self._programs: dict[str, tuple[str, str]] = {}
        try:
            answers = json.loads(store.read_bytes())
        except (OSError, ValueError):
            answers = {}
        whole = isinstance(answers, dict) and all(isinstance(a, str) for a in answers.values())
        self._answers: dict[str, str] = answers if whole else {}
        self._saved = dict(self._answers)

    def save(self) -> None:
        """Write the file if there are new answers."""
        if self._answers != self._saved:
            # A read-only build folder: the build itself reports it, with the remedy.
            with contextlib.suppress(OSError):
                write_atomically(self._store, json.dumps(self._answers, indent=1, sort_keys=True))

    def ask(self, program: str, *arguments: str) -> str:
        """Return what `program arguments…` prints (stdout, then stderr), "" if it fails."""
        key = " ".join((self._program(program)[0], *arguments))
        answer = self._answers.get(key) or _run(program, *arguments)
        if answer:  # else ask again next time: the cause may have been temporary
            self._answers[key] = answer
        return answer

    def version(self, compiler: str, *arguments: str) -> str:
        """Return the version of a gcc or clang, "clang version 19.1.7", "" if it reports none."""
        found = VERSION.search(self.ask(compiler, *arguments, *REPORT))
        return found[0] if found else ""

    def locate(self, program: str, *arguments: str) -> str:
        """Return the path of the file that `program arguments…` prints, "" if it does not exist.

        In that case the program is asked again each time: it does not change when the file is
        installed.
        """
        for _ in range(2):
            path = self.ask(program, *arguments).strip()
            if os.path.isabs(path) and os.access(path, os.F_OK):  # noqa: PTH117 - see identity()
                return path
            self._answers.pop(" ".join((self._program(program)[0], *arguments)), None)
        return ""

    def which(self, name: str) -> str:
        """Return the path of a program, or "" if there is none."""
        return which(name, self.path)

    def identity(self, *programs: str) -> str:
        """Return what a build signature holds of programs, at the cost of a few stats.

        That is how each is called and its file; for a script or a link to a program of another
        name, every program that it may run in turn; for a compiler, the one that really runs; the
        shared libraries that hold the code of all these.

        Raises:
            OSError: there is no such program.
        """
        states, running = zip(*map(self._program, programs), strict=True)
        key = " ".join((*states, "libraries"))
        known = self._answers.get(key)
        if known is None or not all(os.access(file, os.F_OK) for file in known.splitlines()):
            report = _run("ldd", *running, fails=True)  # for a script or a static program
            known = "\n".join(sorted(set(LIBRARIES.findall(report))))
            if report:
                self._answers[key] = known
        return " ".join((*states, *map(identity, known.splitlines())))

    def _program(self, program: str) -> tuple[str, str]:
        """Return what the answers of a program depend on, and the path of what really runs."""
        if program not in self._programs:
            own = _content(program)
            parts = [f"{program}={own}"]
            if _is_wrapper(program, own):
                name = os.path.basename(program)  # noqa: PTH119 - see identity()
                parts += map(_content, which_all(name, self.path))
            state = " ".join(dict.fromkeys(parts))
            is_compiler = COMPILER.search(program)
            found = self._compiler(program, state) if is_compiler else (state, program)
            self._programs[program] = found
        return self._programs[program]

    def _compiler(self, program: str, state: str) -> tuple[str, str]:
        """Return the same for a compiler, which may run another one.

        Args:
            state: what changes when the program itself does.
        """
        running = self._answers.get(f"{state} runs", "")
        if os.access(running, os.F_OK):
            return f"{state} {identity(running)}", running
        report = _run(program, *REPORT)
        found = RUNNING.search(report)
        path = (found[1] or found[2]) if found else ""
        path = path if os.path.isabs(path) else self.which(path)  # noqa: PTH117 - see identity()
        running = path or program
        whole = f"{state} {identity(running)}"
        if report:
            self._answers |= {f"{state} runs": running, " ".join((whole, *REPORT)): report}
        return whole, running


def _is_wrapper(program: str, content: str) -> bool:
    """Return whether a program is a script, or a link to a program of an unrelated name."""
    real, _, stamp = content.rpartition("/")[2].partition(":")
    tool = TOOL.search(program)
    return not stamp or not tool or tool[1] not in real


def script(program: str) -> bytes:
    """Return what follows `#!` in a program that is a script, b"" for any other."""
    with contextlib.suppress(OSError), open(program, "rb") as file:  # noqa: PTH123 - as identity()
        if file.read(2) == b"#!":
            return file.read()
    return b""


def _content(program: str) -> str:
    """Return the identity of a program, for a script the hash of its content."""
    text = script(program)
    return hashlib.sha256(text).hexdigest() if text else identity(program)


def _run(*command: str, fails: bool = False) -> str:
    """Return what a command prints; "" if it cannot be run, or fails.

    Args:
        fails: it may fail, and print something of use.
    """
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
    return done.stdout + done.stderr if fails or done.returncode == 0 else ""
