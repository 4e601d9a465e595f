"""QEMU that is missing, too old or broken: what to install."""

from pathlib import Path

import pytest

from base.errors import DroidbpfError
from vm import qemu

HINT = "install it: apt-get install qemu-system-arm"


def program(folder: Path, script: str) -> Path:
    path = folder / "qemu-system-aarch64"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def failure(folder: Path) -> DroidbpfError:
    with pytest.raises(DroidbpfError) as caught:
        qemu.find(str(folder))
    return caught.value


def test_missing_qemu_says_what_to_install(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert str(error) == f"error: qemu-system-aarch64 is not installed\nhint: {HINT}"


def test_old_qemu_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = program(tmp_path, "echo QEMU emulator version 4.2.1 '(Debian 1:4.2-3)'")
    assert str(failure(tmp_path)) == (
        f"error: {path} is version 4.2, at least 5.2 is needed\nhint: {HINT}"
    )


def test_qemu_that_fails_is_refused_with_its_words(tmp_path: Path) -> None:
    path = program(tmp_path, "echo no libfdt >&2; exit 127")
    assert str(failure(tmp_path)) == (
        f"error: {path} --version printed no version: no libfdt\nhint: {HINT}"
    )


@pytest.mark.parametrize("version", ["5.2.0", "10.0.2"])
def test_newer_qemu_is_taken(tmp_path: Path, version: str) -> None:
    path = program(tmp_path, f"echo QEMU emulator version {version}")
    assert qemu.find(str(tmp_path)) == path
