"""What ./dev says of a machine that lacks something; nothing half-made is taken for ready."""

from __future__ import annotations

import hashlib
import io
import os
import pwd
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dev_copy import copy_of_dev, run

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
    "pahole",
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
    "readlink",
    "rm",
    "seq",
    "sleep",
    "tr",
]


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user can read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="dev test "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


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


def test_failing_pip_leaves_no_ready_environment(tools: Path, outside: Path) -> None:
    hash_ = "0" * 64
    dev = copy_of_dev(outside / "x", f"no-such-package==1.0 --hash=sha256:{hash_}\n")
    done = run(dev, "true", path=tools)
    if "are missing" in done.stderr:
        pytest.skip("the C libraries of the distribution are missing")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: the Python packages could not be installed\nhint: pip's messages are above\n"
    )
    assert not (outside / "x/.venv/ready").exists()
    (outside / "x/requirements.lock").write_text("")
    assert run(dev, "printf", "good", path=tools).stdout == "good"


def test_package_without_a_wheel_is_refused_and_none_of_its_code_is_run(
    tools: Path, outside: Path
) -> None:
    ran = outside / "ran"
    archive = outside / "packages/made_up-1.0.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in {"setup.py": f"open({str(ran)!r}, 'w')\n", "PKG-INFO": ""}.items():
            member = tarfile.TarInfo(f"made_up-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    lock = f"--find-links {archive.parent.as_uri()}\nmade-up==1.0 --hash=sha256:{digest}\n"
    done = run(copy_of_dev(outside / "x", lock), "true", path=tools)
    if "are missing" in done.stderr:
        pytest.skip("the C libraries of the distribution are missing")
    assert done.returncode == 2
    assert "No matching distribution found for made-up==1.0" in done.stderr
    assert not ran.exists()


def test_read_only_folder_is_reported(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    user = nobody(outside / "home of nobody")
    dev.parent.chmod(0o555)
    any_python(tools)
    done = run(dev, "true", path=tools, **user)
    dev.parent.chmod(0o755)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: the folder {dev.parent} is read-only\n"
        "hint: ./dev creates .venv there: make it writable, or copy it\n",
    )


def nobody(folder: Path) -> dict[str, Any]:
    """Return options to run as an unprivileged user who owns a folder."""
    folder.mkdir(exist_ok=True)
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
        "error: these packages are missing, and there is no apt-get to install them: "
    )
    assert "qemu-system-arm" in done.stderr.splitlines()[0].split()


def test_failing_apt_is_reported(tools: Path, outside: Path) -> None:
    if os.geteuid():
        pytest.skip("only root calls apt-get itself")
    dev = copy_of_dev(outside / "x")
    apt(tools, "qemu-system-arm")
    (tools / "qemu-system-aarch64").unlink()
    done = run(dev, "true", path=tools)
    assert done.returncode == 2
    assert done.stderr.endswith("error: apt-get update failed\nhint: its messages are above\n")


def test_no_python_that_is_new_enough_is_reported(tools: Path, outside: Path) -> None:
    dev = copy_of_dev(outside / "x")
    (tools / "python3").unlink()
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    for name in Path("/usr/sbin").glob("python3*"):
        pytest.skip(f"./dev looks into /usr/sbin, where there is {name}")
    done = run(dev, "true", path=tools)
    assert done.returncode == 2
    assert done.stderr == ("error: Python 3.11 or newer is needed\nhint: apt-get install python3\n")
