"""What goes into the guest, and what is refused before anything boots."""

import os
import subprocess
from pathlib import Path

import pytest

from base.errors import DroidbpfError
from vm import initramfs


def build(tmp_path: Path, **changes: object) -> bytes:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"\x7fELF")
    options = {"modules": [], "commands": [["true"]], "files": {}, "mark": "<m>", "env": {}}
    return initramfs.build(busybox=busybox, **{**options, **changes})  # type: ignore[arg-type]


def failure(tmp_path: Path, **changes: object) -> str:
    with pytest.raises(DroidbpfError) as caught:
        build(tmp_path, **changes)
    return caught.value.message


@pytest.mark.parametrize("path", ["bin/x", "/a/../b", "/a/", "/init/", "", "/a\0b"])
def test_guest_path_that_is_no_absolute_file_is_refused(tmp_path: Path, path: str) -> None:
    message = f"not an absolute path of a file in the guest: {path!r}"
    assert failure(tmp_path, files={path: b""}) == message


@pytest.mark.parametrize(
    "path",
    [
        *("/init", "/./init", "//init", "///init", "/init/.", "/init/x", "/bin/./busybox"),
        *("/.vm/run", "/./.vm/run", "/proc/x", "/dev/null", "//dev//null", "/etc/passwd"),
        *("/tmp", "/data/local/./tmp", "/.", "//."),
    ],
)
def test_guests_own_files_cannot_be_replaced(tmp_path: Path, path: str) -> None:
    assert failure(tmp_path, files={path: b""}) == f"{path} belongs to the guest itself"


def test_two_spellings_of_a_guest_path_are_one_file(tmp_path: Path) -> None:
    both = build(tmp_path, files={"/data/x": b"old", "//data/./x": b"new"})
    assert both == build(tmp_path, files={"/data/x": b"new"})


def test_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    files = {"/data/x": b"", "/data/x/y": b""}
    assert failure(tmp_path, files=files) == "/data/x is a file and a folder of the guest"


def test_names_and_arguments_that_are_not_utf8_reach_the_guest_unchanged(tmp_path: Path) -> None:
    name, word = os.fsdecode(b"/data/\xff"), os.fsdecode(b"\xfe")
    archive = build(tmp_path, files={name: b""}, commands=[["echo", word]], env={"A": word})
    assert b"data/\xff\0" in archive
    assert b"run echo '\xfe'\n" in archive
    assert b"export 'A=\xfe'\n" in archive


def test_control_characters_of_a_host_path_are_shown_escaped(tmp_path: Path) -> None:
    missing = tmp_path / "\x1b[2J\n"
    message = f"cannot read {tmp_path}/\\x1b[2J\\n: No such file or directory"
    assert failure(tmp_path, files={"/x": missing}) == message


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    message = f"cannot read {missing}: No such file or directory"
    assert failure(tmp_path, files={"/x": missing}) == message
    assert failure(tmp_path, files={"/x": tmp_path}) == f"cannot read {tmp_path}: Is a directory"


def test_empty_command_and_bad_variable_are_refused(tmp_path: Path) -> None:
    assert failure(tmp_path, commands=[[]]) == "not a command: []"
    assert failure(tmp_path, commands=[["a\0b"]]) == "not a command: ['a\\x00b']"
    assert failure(tmp_path, env={"A-B": ""}) == "not a name for an environment variable: 'A-B'"
    assert failure(tmp_path, env={"A": "\0"}) == "not a value for an environment variable: A"


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    files = {"/data/a/b": b"x", "/data/c": Path(__file__)}
    assert build(tmp_path, files=files) == build(tmp_path, files=files)


def test_init_is_sound_shell() -> None:
    script = Path(initramfs.__file__).parent / "init.sh"
    subprocess.run(["sh", "-n", script], check=True)
