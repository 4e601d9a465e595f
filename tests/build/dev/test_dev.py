"""./dev: it makes the environment once, then it is as good as not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dev_copy import copy_of_dev, run


def test_help_shows_how_it_is_used_and_makes_nothing(tmp_path: Path) -> None:
    dev = copy_of_dev(tmp_path / "x")
    for flag in ("-h", "--help"):
        done = run(dev, flag)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: ./dev COMMAND…\n")
        assert "./dev scons ARCH=arm64 app=syscall_mon run" in done.stdout
        assert "./dev pytest" in done.stdout
        assert done.stderr == ""
    assert not (tmp_path / "x/.venv").exists()


def test_no_command_is_an_error_that_shows_the_usage(tmp_path: Path) -> None:
    done = run(copy_of_dev(tmp_path / "x"))
    assert done.returncode == 2
    assert "usage: ./dev COMMAND…" in done.stdout + done.stderr
    assert not (tmp_path / "x/.venv").exists()


def test_second_time_it_says_nothing(ready: Path) -> None:
    done = run(ready, "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_stream_that_is_closed_is_empty_for_the_command(ready: Path, closed: str) -> None:
    is_open = "[ -e /proc/self/fd/0 ] && [ -e /proc/self/fd/1 ] && [ -e /proc/self/fd/2 ]"
    assert run("sh", "-c", f'"$1" sh -c "$2" {closed}', "sh", str(ready), is_open).returncode == 0


def test_link_to_it_uses_the_environment_of_its_checkout(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links/droidbpf"
    link.symlink_to(ready)
    done = run(link, "python", "-c", "import sys; print(sys.prefix)")
    assert (done.stdout, done.stderr) == (f"{ready.parent}/.venv\n", "")
    assert list(link.parent.iterdir()) == [link]


@pytest.mark.parametrize("status", [0, 1, 2, 42])
def test_exit_status_of_the_command_is_handed_through(ready: Path, status: int) -> None:
    assert run(ready, "sh", "-c", f"exit {status}").returncode == status


def test_death_by_a_signal_is_handed_through(ready: Path) -> None:
    assert run(ready, "sh", "-c", "kill -TERM $$").returncode == -15


def test_arguments_are_handed_through_as_they_are(ready: Path) -> None:
    arguments = ["two words", "", "*", "$HOME", "it's", '"', "-h", "--", "a\nb"]
    done = run(ready, "printf", "[%s]", *arguments)
    assert done.stdout == "".join(f"[{argument}]" for argument in arguments)


def test_command_runs_where_it_was_called_with_the_environment_first_in_path(
    ready: Path, tmp_path: Path
) -> None:
    done = run(ready, "sh", "-c", "pwd; command -v python", cwd=tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path), str(ready.parent / ".venv/bin/python")]
    relative = os.path.relpath(ready, tmp_path)
    assert run(relative, "pwd", cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_standard_input_is_that_of_the_command(ready: Path) -> None:
    assert run(ready, "cat", input="to the command").stdout == "to the command"


def test_second_time_it_needs_neither_python_nor_a_package_manager(
    ready: Path, tmp_path: Path
) -> None:
    for program in ("dirname", "cat", "cmp", "readlink", "sh"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    done = run(ready, "sh", "-c", "echo $0", path=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "sh\n", "")


def test_moved_checkout_is_rebuilt_and_its_programs_work(ready: Path, tmp_path: Path) -> None:
    """A virtualenv knows its path: of a moved one, pip and scons would be those of nowhere."""
    moved = tmp_path / "moved"
    shutil.copytree(ready.parent, moved, symlinks=True)
    done = run(moved / "dev", "sh", "-c", "pip --version")
    assert done.returncode == 0
    assert f"{moved}/.venv/" in done.stdout
    assert "dev: creating .venv" in done.stderr


def test_changed_lock_makes_a_new_environment(ready: Path) -> None:
    (ready.parent / "requirements.lock").write_text("# changed\n")
    assert "dev: creating .venv" in run(ready, "true").stderr
    assert run(ready, "true").stderr == ""


def test_another_python_makes_the_environment_again(ready: Path, tmp_path: Path) -> None:
    """As where a distribution's python3 is a link to the new one now."""
    link = ready.parent / ".venv/bin/python"
    new = tmp_path / "python3.99"
    new.write_text(f'#!/bin/sh\nexec "{link.resolve()}" "$@"\n')
    new.chmod(0o755)
    link.unlink()
    link.symlink_to(new)
    assert "dev: creating .venv" in run(ready, "true").stderr
    link.unlink()  # it was removed
    assert "dev: creating .venv" in run(ready, "true").stderr
    assert run(ready, "true").stderr == ""


def test_several_at_once_make_it_once(ready: Path, tmp_path: Path) -> None:
    dev = copy_of_dev(tmp_path / "x")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PIP_NO_INDEX": "1"}
    both = [
        subprocess.Popen([dev, "python", "-c", "print(1)"], env=environment, **pipes())
        for _ in range(3)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], said
    assert sum("dev: creating .venv" in err for _, err in said) == 1
    assert [out for out, _ in said] == ["1\n"] * 3


def pipes() -> dict[str, Any]:
    return {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
