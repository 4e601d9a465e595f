"""./dev: it makes the environment once, then it is as good as not there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = [
    "aarch64-linux-gnu-gcc",
    "gcc",
    "clang",
    "clang-19",
    "clang-18",
    "clang-17",
    "clang-16",
    "clang-15",
    "clang-14",
    "bpftool",
    "qemu-system-aarch64",
    "pkg-config",
]
# What the script itself calls, beside Python.
COREUTILS = [
    "sh",
    "cat",
    "cmp",
    "cp",
    "dirname",
    "env",
    "flock",
    "id",
    "mkdir",
    "printf",
    "pwd",
    "rm",
    "seq",
    "sleep",
    "tr",
]
OVERHEAD_S = 0.050


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user can read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="dev test "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def copy_of_dev(folder: Path, requirements: str = "") -> Path:
    """Make a checkout of what ./dev reads, which by default needs no package of Python."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "dev", folder / "dev")
    (folder / "requirements.lock").write_text(requirements)
    return folder / "dev"


def machine_python() -> str:
    return str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info[1]}"))


@pytest.fixture
def tools(outside: Path) -> Path:
    """A folder of all that ./dev asks for, so that no package is missing; apt-get is none."""
    folder = outside / "tools"
    folder.mkdir()
    for name in COREUTILS:
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    for name in NEEDED:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    (folder / "python3").symlink_to(machine_python())
    return folder


def run(
    dev: Path | str, *arguments: str, path: Path | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path) if path else os.environ["PATH"], "HOME": "/nonexistent"}
    environment |= {"PIP_NO_INDEX": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return subprocess.run(
        [str(dev), *arguments], capture_output=True, text=True, env=environment, **options
    )


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ./dev whose environment is made, in a path with spaces."""
    dev = copy_of_dev(tmp_path_factory.mktemp("dev") / "a folder" / "with spaces")
    done = run(dev, "true")
    if "packages are missing" in done.stderr:
        pytest.skip("packages of the distribution are missing, and cannot be installed")
    assert done.returncode == 0, done.stderr
    assert (dev.parent / ".venv/ready").is_file()
    return dev


def test_help_tells_how_it_is_used_and_makes_nothing(tmp_path: Path) -> None:
    dev = copy_of_dev(tmp_path / "x")
    for flag in ("-h", "--help"):
        done = run(dev, flag)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: ./dev COMMAND…\n")
        assert "./dev scons ARCH=arm64 app=syscall_mon run" in done.stdout
        assert "./dev pytest" in done.stdout
        assert done.stderr == ""
    assert not (tmp_path / "x/.venv").exists()


def test_no_command_is_an_error_that_tells_the_usage(tmp_path: Path) -> None:
    done = run(copy_of_dev(tmp_path / "x"))
    assert done.returncode == 2
    assert "usage: ./dev COMMAND…" in done.stdout + done.stderr
    assert not (tmp_path / "x/.venv").exists()


def test_second_time_it_says_nothing(ready: Path) -> None:
    done = run(ready, "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("status", [0, 1, 2, 42])
def test_exit_status_of_the_command_is_handed_through(ready: Path, status: int) -> None:
    assert run(ready, "sh", "-c", f"exit {status}").returncode == status


def test_death_by_a_signal_is_handed_through(ready: Path) -> None:
    assert run(ready, "sh", "-c", "kill -TERM $$").returncode == -15


def test_unknown_command_is_told_by_the_shell(ready: Path) -> None:
    done = run(ready, "no-such-command")
    assert done.returncode == 127
    assert "no-such-command" in done.stderr


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


def test_second_time_costs_under_50_ms(ready: Path) -> None:
    """The median of runs by turns, so that what else the machine does is in both."""

    def wall_s(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True)
        return time.perf_counter() - began

    overheads = sorted(wall_s(str(ready), "true") - wall_s("true") for _ in range(15))
    assert overheads[7] < OVERHEAD_S, overheads


def test_moved_checkout_is_made_anew_and_its_programs_work(ready: Path, tmp_path: Path) -> None:
    """A virtualenv knows its path: of a moved one, pip and scons would be those of nowhere."""
    moved = tmp_path / "moved"
    shutil.copytree(ready.parent, moved, symlinks=True)
    done = run(moved / "dev", "sh", "-c", "pip --version")
    assert done.returncode == 0
    assert f"{moved}/.venv/" in done.stdout
    assert "dev: making .venv" in done.stderr


def test_changed_lock_makes_the_environment_anew(ready: Path) -> None:
    (ready.parent / "requirements.lock").write_text("# changed\n")
    assert "dev: making .venv" in run(ready, "true").stderr
    assert run(ready, "true").stderr == ""


def test_failing_pip_leaves_no_ready_environment(tools: Path, outside: Path) -> None:
    hash_ = "0" * 64
    dev = copy_of_dev(outside / "x", f"no-such-package==1.0 --hash=sha256:{hash_}\n")
    done = run(dev, "true", path=tools)
    if "are missing" in done.stderr:
        pytest.skip("the C libraries of the distribution are missing")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: the Python packages were not installed\nhint: pip's messages are above\n"
    )
    assert not (outside / "x/.venv/ready").exists()
    (outside / "x/requirements.lock").write_text("")
    assert run(dev, "printf", "good", path=tools).stdout == "good"


def test_several_at_once_make_it_once(ready: Path, tmp_path: Path) -> None:
    dev = copy_of_dev(tmp_path / "x")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PIP_NO_INDEX": "1"}
    both = [
        subprocess.Popen([dev, "python", "-c", "print(1)"], env=environment, **pipes())
        for _ in range(3)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], said
    assert sum("dev: making .venv" in err for _, err in said) == 1
    assert [out for out, _ in said] == ["1\n"] * 3


def pipes() -> dict[str, Any]:
    return {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def nobody(folder: Path) -> dict[str, Any]:
    """Give options to run as a user without rights, to whom a folder belongs."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def any_python(tools: Path) -> None:
    """Put a Python in place that any user may run, and which only says that it is new enough."""
    (tools / "python3").unlink()
    (tools / "python3").write_text("#!/bin/sh\n")
    (tools / "python3").chmod(0o755)


def apt(tools: Path, *known: str) -> None:
    """Add an apt-get that must not be called, and an apt-cache that knows some packages."""
    (tools / "apt-get").write_text("#!/bin/sh\necho apt-get was called >&2; exit 9\n")
    case = "|".join(known) or "none"
    (tools / "apt-cache").write_text(f'#!/bin/sh\ncase $2 in {case}) echo "$2 | 1 | x" ;; esac\n')
    for name in ("apt-get", "apt-cache"):
        (tools / name).chmod(0o755)


def test_without_root_and_sudo_the_one_line_to_run_is_printed(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    any_python(tools)
    apt(tools, "bpftool", "qemu-system-arm", "clang-19")
    for name in ("bpftool", "qemu-system-aarch64"):
        (tools / name).unlink()
    if shutil.which("bpftool", path="/usr/sbin:/sbin") and os.geteuid() == 0:
        missing = ["qemu-system-arm"]  # ./dev looks into /usr/sbin, too
    else:
        missing = ["bpftool", "qemu-system-arm"]
    done = run(dev, "true", path=tools, **nobody(outside / "x"))
    *_, last = done.stderr.splitlines()
    assert done.returncode == 2
    for package in missing:
        assert package in last.split()
    assert last.startswith("hint: run as root: apt-get install --no-install-recommends ")
    assert done.stderr.splitlines()[-2] == (
        "error: packages are missing, and there is neither root nor sudo to install them"
    )
    assert "apt-get was called" not in done.stderr
    assert not (outside / "x/.venv").exists()


def test_package_that_has_another_name_here_is_named_so(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    any_python(tools)
    apt(tools, "clang", "qemu-system-arm")
    for name in NEEDED:
        if name.startswith("clang"):
            (tools / name).unlink()
    done = run(dev, "true", path=tools, **nobody(outside / "x"))
    words = done.stderr.splitlines()[-1].split()
    assert done.returncode == 2
    assert "clang" in words
    assert "clang-19" not in words


def test_without_apt_the_packages_are_named(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    any_python(tools)
    (tools / "qemu-system-aarch64").unlink()
    done = run(dev, "true", path=tools, **nobody(outside / "x"))
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: these programs are missing, and there is no apt-get to install them: "
    )
    assert "qemu-system-arm" in done.stderr.splitlines()[0].split()


def test_failing_apt_is_told(tools: Path, outside: Path) -> None:
    if os.geteuid():
        pytest.skip("only root calls apt-get itself")
    dev = copy_of_dev(outside / "x")
    apt(tools, "qemu-system-arm")
    (tools / "qemu-system-aarch64").unlink()
    done = run(dev, "true", path=tools)
    assert done.returncode == 2
    assert done.stderr.endswith("error: apt-get update failed\nhint: its messages are above\n")


def test_no_python_that_is_new_enough_is_told(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    (tools / "python3").unlink()
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    for name in Path("/usr/sbin").glob("python3*"):
        pytest.skip(f"./dev looks into /usr/sbin, where there is {name}")
    done = run(dev, "true", path=tools)
    assert done.returncode == 2
    assert done.stderr == ("error: Python 3.11 or newer is needed\nhint: apt-get install python3\n")
