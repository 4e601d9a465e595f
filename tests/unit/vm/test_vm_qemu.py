"""QEMU that is missing: what to install."""

from pathlib import Path

import pytest

from base.errors import DroidbpfError
from vm import qemu


def test_missing_qemu_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DroidbpfError) as caught:
        qemu.find(str(tmp_path))
    assert str(caught.value) == (
        "error: qemu-system-aarch64 is not installed\n"
        "hint: install it: apt-get install qemu-system-arm"
    )
