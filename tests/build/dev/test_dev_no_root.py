"""./dev --no-root: an environment of its own, with nothing of the distribution but Python."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dev_copy import ROOT, copy_of_dev, run
from small_programs import program

BASICS = ("sh", "cat", "cmp", "dirname", "rm", "seq", "env", "readlink")


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """A checkout that needs no package of Python."""
    made = copy_of_dev(tmp_path / "a folder")
    (made.parent / "requirements-zig.lock").touch()
    return made


def path_of(folder: Path, *, pip: bool = True) -> Path:
    """Make a PATH with the basics and Python, which may lack ensurepip."""
    folder.mkdir()
    for name in BASICS:
        (folder / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not here"))
    lacking = ""
    if not pip:
        (folder / "ensurepip.py").write_text('raise ImportError("left out")\n')
        lacking = f'PYTHONPATH="{folder}" '
    program(folder, "python3", f'{lacking}exec "{sys.executable}" "$@"')
    return folder


def test_it_is_an_environment_of_its_own_and_installs_no_package(dev: Path, tmp_path: Path) -> None:
    path = path_of(tmp_path / "bin")
    done = run(dev, "--no-root", "sh", "-c", "command -v python", path=path)
    assert (done.returncode, done.stdout) == (0, f"{dev.parent}/.venv-no-root/bin/python\n")
    assert done.stderr.startswith("dev: creating .venv-no-root\n")
    assert not (dev.parent / ".venv").exists()
    again = run(dev, "--no-root", "sh", "-c", 'echo "$1"', "sh", "--no-root", path=path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "--no-root\n", "")


def test_changed_lock_of_the_compiler_makes_a_new_one(dev: Path, tmp_path: Path) -> None:
    path = path_of(tmp_path / "bin")
    run(dev, "--no-root", "sh", "-c", ":", path=path)
    (dev.parent / "requirements-zig.lock").write_text("# changed\n")
    assert "dev: creating .venv-no-root" in run(dev, "--no-root", "sh", "-c", ":", path=path).stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_environment_whose_making_was_interrupted_is_rebuilt(
    dev: Path, tmp_path: Path, number: signal.Signals
) -> None:
    path = path_of(tmp_path / "bin")
    venv = dev.parent / ".venv-no-root"
    command = [dev, "--no-root", "sh", "-c", "echo done"]
    process = subprocess.Popen(
        command, env={"PATH": str(path)}, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (venv / "bin/python").exists():
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, number)
    assert process.communicate(timeout=60) == ("", None)
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    assert not (venv / "ready").exists()
    done = run(dev, *command[1:], path=path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.startswith("dev: creating .venv-no-root\n")


def test_no_command_is_an_error_that_shows_one(dev: Path) -> None:
    done = run(dev, "--no-root")
    assert (done.returncode, done.stderr) == (
        2,
        "error: --no-root needs a command\nhint: ./dev --no-root scons app=syscall_mon\n",
    )


def test_python_without_pip_is_reported_where_the_distribution_has_none(
    dev: Path, tmp_path: Path
) -> None:
    for package in ("base", "fetch"):
        shutil.copytree(ROOT / package, dev.parent / package, dirs_exist_ok=True)
    path = path_of(tmp_path / "bin", pip=False)
    done = run(dev, "--no-root", "sh", "-c", ":", path=path)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: no dpkg on this machine\n"
        "error: python3 cannot create a virtualenv\n"
        "hint: run as root: apt-get install python3-venv\n"
    )
    assert not (dev.parent / ".venv-no-root/ready").exists()


def test_python_without_pip_gets_that_of_the_distribution(dev: Path, tmp_path: Path) -> None:
    for package in ("base", "fetch"):
        shutil.copytree(ROOT / package, dev.parent / package, dirs_exist_ok=True)
    path = path_of(tmp_path / "bin", pip=False)
    environment = {"PATH": f"{path}:/usr/bin:/bin", "DROIDBPF_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [dev, "--no-root", "sh", "-c", "command -v python"],
        env={**environment, "HOME": os.environ["HOME"], "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "error: " in done.stderr and not [*(tmp_path / "cache").glob("sha256/*")]:
        pytest.skip(f"the distribution's archive gives no pip: {done.stderr}")
    assert (done.returncode, done.stdout) == (0, f"{dev.parent}/.venv-no-root/bin/python\n")
    assert [wheel.name[:4] for wheel in (tmp_path / "cache/pip").iterdir()] == ["pip-"]
