"""The commands of a checkout's own packages: ./dev NAME, from any folder, ended by any signal."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from dev_copy import run


def package(dev: Path, code: str) -> None:
    """Add a package with a command to a checkout."""
    (dev.parent / "show").mkdir(exist_ok=True)
    (dev.parent / "show/__init__.py").touch()
    (dev.parent / "show/__main__.py").write_text(f"{code}\n")


@pytest.mark.parametrize("name", ["no-such-command", "bundle", "base"])
def test_unknown_command_is_reported(ready: Path, name: str) -> None:
    done = run(ready, name)
    assert (done.returncode, done.stderr) == (
        127,
        f"error: there is no command {name}\n"
        "hint: ./dev --help lists the commands of this project\n",
    )


def test_package_runs_in_the_folder_of_the_caller(ready: Path, tmp_path: Path) -> None:
    package(ready, "import os, sys, show; print(os.getcwd(), *sys.argv[1:], show.__file__)")
    (tmp_path / "show.py").write_text("raise SystemExit('that of the folder was imported')\n")
    done = run(ready, "show", "a.btf", "two words", cwd=tmp_path)
    expected = f"{tmp_path} a.btf two words {ready.parent}/show/__init__.py\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    assert run(ready, "--help").stdout.endswith("\n  ./dev show\n")


def test_scons_outside_of_the_checkout_is_reported(ready: Path, tmp_path: Path) -> None:
    done = run(ready, "scons", "app=hello", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: this folder has no SConstruct\n"
        f"hint: cd {ready.parent}, then ./dev scons app=hello\n",
    )


SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]


@pytest.mark.parametrize(("number", "status", "word"), SIGNALS)
def test_signal_before_python_has_started_ends_a_package_in_one_line(
    ready: Path, number: signal.Signals, status: int, word: str
) -> None:
    """As ./dev does, env(1) keeps the signal until there are handlers."""
    package(ready, "print('it ran')")
    name = number.name.removeprefix("SIG")
    command = ["env", f"--block-signal={name}", "sh", "-c", f'kill -{name} $$; exec "$@"', "-"]
    command += [str(ready.parent / ".venv/bin/python"), str(ready.parent / "base/launch.py")]
    command += ["-m", "show"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"error: {word}\n")


@pytest.mark.parametrize(("number", "status", "word"), SIGNALS)
def test_signal_while_modules_are_imported_ends_a_package_in_one_line(
    ready: Path, number: signal.Signals, status: int, word: str
) -> None:
    package(ready, "import time; print('importing', flush=True); time.sleep(60)")
    with subprocess.Popen(
        [ready, "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", f"error: {word}\n")
    assert process.returncode == status


def test_signals_are_not_blocked_in_the_processes_of_a_package(ready: Path) -> None:
    package(ready, "import subprocess; subprocess.run(['grep', 'SigBlk', '/proc/self/status'])")
    assert run(ready, "show").stdout == "SigBlk:\t0000000000000000\n"


def test_signal_that_the_caller_ignores_stays_ignored(ready: Path) -> None:
    package(ready, "import os; os.kill(os.getpid(), 2); print('it ran to its end')")
    done = run("sh", "-c", f"trap '' INT; '{ready}' show")
    assert (done.returncode, done.stdout, done.stderr) == (0, "it ran to its end\n", "")
