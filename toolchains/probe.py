"""What programs say of themselves, remembered by each program's path, size and mtime."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_S = 30


def identity(path: str) -> str:
    """Give what a build signature holds of a file: real path, size in bytes, mtime in ns.

    Reading and hashing a 130 MB compiler at every start would cost more than the build.

    Raises:
        OSError: there is no such file.
    """
    real = os.path.realpath(path)
    stat = os.stat(real)  # noqa: PTH116 - one call at every start; Path would double it
    return f"{real}:{stat.st_size}:{stat.st_mtime_ns}"


def which(name: str, path: str) -> str:
    """Give the first executable called name in the folders of path (as in $PATH), or ""."""
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder, name)  # noqa: PTH118 - see identity()
        if folder and os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112
            return candidate
    return ""


class Probes:
    """Answers of programs, kept in one JSON file between starts.

    Args:
        store: the file; it is made when an answer is new, and a damaged one is begun anew.
        path: the folders to look for programs in, as in $PATH.
    """

    def __init__(self, store: Path, path: str) -> None:
        self._store = store
        self.path = path
        try:
            answers = json.loads(store.read_bytes())
        except (OSError, ValueError):
            answers = {}
        whole = isinstance(answers, dict) and all(isinstance(a, str) for a in answers.values())
        self._answers: dict[str, str] = answers if whole else {}

    def ask(self, program: str, *arguments: str) -> str:
        """Give what `program arguments…` prints (stdout, then stderr), "" where it fails."""
        key = _key(program, arguments)
        if key not in self._answers:
            answer = _run([program, *arguments])
            if not answer:
                return ""  # ask again next time: the failure may have been the moment's
            self._answers[key] = answer
            self._save()
        return self._answers[key]

    def locate(self, program: str, *arguments: str) -> str:
        """Give the path of the file that `program arguments…` prints, "" where it is not there.

        Then it is asked again each time: the program stays the same where the file is installed.
        """
        for _ in range(2):
            path = self.ask(program, *arguments).strip()
            if os.path.isabs(path) and os.access(path, os.F_OK):  # noqa: PTH117 - see identity()
                return path
            self._answers.pop(_key(program, arguments), None)
        return ""

    def which(self, name: str) -> str:
        """Give the path of a program, or "" where there is none."""
        return which(name, self.path)

    def _save(self) -> None:
        part = self._store.with_name(f"{self._store.name}.{os.getpid()}.tmp")
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(self._answers, indent=1, sort_keys=True))
            part.replace(self._store)
        except OSError:  # a read-only build folder: the build itself will say so, with the remedy
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _key(program: str, arguments: Sequence[str]) -> str:
    return " ".join((identity(program), *arguments))


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
