"""A temporary copy of the checkout in which the real SCons runs, and what its runs did."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = Path(__file__).parent / "apps"
ARCH = "arm64"
TRIPLE = {"arm64": "aarch64", "x86_64": "x86_64"}[ARCH] + "-linux-gnu"
TIMEOUT_S = 300

# What a build keeps for itself; everything else below build/ is a product.
OWN_FILES = re.compile(r"sconsign|probes\.json|\.(state|inputs)$|^(lock|journal)$")


@dataclass(frozen=True)
class Result:
    """What a run of SCons did: its exit status, what it printed, the commands of its steps."""

    status: int
    out: str
    err: str
    commands: list[list[str]]

    @property
    def made(self) -> list[str]:
        """The files that the steps made, sorted, without build/ and the variant's folder."""
        return sorted({_target(command) for command in self.commands})

    @property
    def bpf_and_apps(self) -> list[str]:
        """Those of them that are not of the libraries."""
        return [name for name in self.made if not name.startswith(("third_party/", "btfhub/"))]


def _target(command: list[str]) -> str:
    words = [word for word in command if word.endswith(".tmp")]
    if words:
        name = words[0].removesuffix(".tmp")
    elif "skeleton" in command:
        name = command[command.index("skeleton") + 1].replace(".bpf.o", ".skel.h")
    elif "dump" in command:
        name = command[command.index("file") + 1].removesuffix(".btf")
    else:
        raise AssertionError(f"a step that names no target: {command}")
    return re.sub(r"^build/(?:[^/]+-gnu/)?", "", name)


@dataclass
class Tree:
    """A copy of the checkout, whose apps are tests/build/apps.

    Args:
        path: its folder.
        env: variables for SCons beside the closed list of environment().
    """

    path: Path
    env: dict[str, str] = field(default_factory=dict)
    arch: str = ARCH
    last: tuple[tuple[str, ...], dict[str, str]] | None = None

    @property
    def build(self) -> Path:
        return self.path / "build"

    @property
    def variant(self) -> Path:
        return self.build / f"{self.arch}-gnu"

    def app(self, name: str) -> Path:
        """Return the folder of an app's products."""
        return self.variant / "apps" / name

    def source(self, name: str) -> Path:
        """Return a file of apps/."""
        return self.path / "apps" / name

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, which must have it."""
        path = self.path / name
        text = path.read_text()
        assert old in text, f"{name} lacks {old!r}"
        path.write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        with (self.path / name).open("a") as file:
            file.write(text)

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "SCons", f"ARCH={self.arch}", *args]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        own = {
            "SCONSFLAGS": "-Q",
            "DROIDBPF_STEP_LOG": str(self._log),
            "DROIDBPF_CACHE": str(download_cache()),
        }
        return inherited | own | self.env | dict(env)

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}.steps")

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> Result:
        """Run SCons to its end, however it ends; the arguments are those of scons()."""
        self._log.unlink(missing_ok=True)
        done = subprocess.run(
            [*prefix, *self.command(*args)],
            cwd=self.path,
            env=self.environment(env or {}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Result(done.returncode, done.stdout, done.stderr, self.commands())

    def scons(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        status: int = 0,
        prefix: Sequence[str] = (),
    ) -> Result:
        """Run SCons to its end, without a traceback.

        Args:
            args: options and targets.
            env: further variables.
            status: the exit status that it must have.
            prefix: a command that runs the command that follows it.
        """
        result = self.run(*args, env=env, prefix=prefix)
        reported = f"scons {' '.join(args)}\n{result.out}{result.err}"
        assert "Traceback" not in reported, reported
        assert result.status == status, f"status {result.status}, not {status}: {reported}"
        plain = not any(arg in ("-n", "-c", "-q", "-h") for arg in args)
        self.last = (args, dict(env or {})) if status == 0 and plain else None
        return result

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start SCons in a process group of its own."""
        self._log.unlink(missing_ok=True)
        self.last = None
        return subprocess.Popen(
            self.command(*args),
            cwd=self.path,
            env=self.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def interrupt(self, after: int, number: signal.Signals, *args: str) -> str:
        """Start SCons, kill its process group after so many steps; give what it printed."""
        process = self.start(*args)
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.commands()) < after and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        said = process.communicate(timeout=60)[0]
        assert "Traceback" not in said, said
        return said

    def commands(self) -> list[list[str]]:
        """Return the commands of the last run so far, in the order of their ends."""
        try:
            lines = self._log.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line)["command"] for line in lines if line.endswith("}")]

    def assert_up_to_date(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        """Run SCons once more: it must start no step, and write nothing but its database."""
        before = self.stamps()
        result = self.scons(*args, env=env)
        assert result.commands == [], f"a null build ran {result.made}"
        assert self.stamps() == before, "a null build wrote into build/"

    def stamps(self) -> dict[str, tuple[int, int, int]]:
        """Return inode, size and mtime of every file but SCons's database and compiled Python."""
        found = {}
        for path in _files(self.path):
            name = str(path.relative_to(self.path))
            if not name.startswith(("build/sconsign", ".venv/pycache/")):
                stat = path.stat()
                found[name] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return found

    def products(self, *below: str) -> dict[str, str]:
        """Return the sha256 of every product, by its path below build/."""
        found = {}
        for path in _files(self.build):
            name = str(path.relative_to(self.build))
            if not OWN_FILES.search(name) and name.startswith(below or ("",)):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def copy(self, path: Path) -> Tree:
        """Copy the tree, built files and all."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.path, path], check=True)
        return Tree(path, dict(self.env), self.arch)

    def forget(self) -> Tree:
        """Remove the build folder."""
        shutil.rmtree(self.build)
        return self


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def assert_same(mine: Mapping[str, str], other: Mapping[str, str]) -> None:
    """Compare the products of two builds; tell how many differ, and which."""
    different = sorted(name for name in mine.keys() & other.keys() if mine[name] != other[name])
    missing = sorted(mine.keys() ^ other.keys())
    same = len(mine.keys() & other.keys()) - len(different)
    verdict = f"same={same} different={len(different)} missing={len(missing)}"
    assert not different, f"{verdict}: {different} {missing}"
    assert not missing, f"{verdict}: {missing}"
    assert same, "there is nothing to compare"


def download_cache() -> Path:
    """Return the user's cache of downloads, so that an archive is downloaded once."""
    return Path(os.environ.get("DROIDBPF_CACHE") or "~/.cache/droidbpf").expanduser().absolute()


def check_out(into: Path) -> Tree:
    """Copy what a clone would hold, as it is in the work tree, with the apps of the tests."""
    into.mkdir(parents=True)
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode:  # an archive of the sources
        shutil.copytree(
            ROOT,
            into,
            ignore=shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache"),
            dirs_exist_ok=True,
        )
    for name in os.fsdecode(listing.stdout).split("\0"):
        source, target = ROOT / name, into / name
        if name and source.is_file() and not name.startswith(("tests/", "apps/", "benchmarks/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    shutil.rmtree(into / "apps", ignore_errors=True)
    shutil.copytree(APPS, into / "apps")
    return Tree(into)
