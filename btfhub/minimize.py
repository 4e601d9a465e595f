"""Runs bpftool on a kernel's BTF and an app's objects: keeps what their relocations need."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from base.errors import DroidbpfError, printable

_TIMEOUT = 60  # seconds; it takes 0.02 on a kernel's BTF
_LAST_LINES = 3
_NO_BPFTOOL = (
    "install it: apt-get install bpftool, or name the one that a build made where it found none: "
    "--bpftool build/host-gnu/third_party/bpftool"
)
_INFORMATIVE = re.compile(r"libbpf: (prog '.*': relo #[0-9]+: [<mn]|CO-RE relocating )")


def relocate(
    objects: Sequence[Path], btf: bytes, name: str, bpftool: str = "bpftool"
) -> tuple[list[str], bytes]:
    """Return the lines that `bpftool -d` prints of each relocation, and the minimized BTF.

    That has the types that the objects' relocations find in the kernel's, and no others.

    Args:
        objects: all BPF objects that the result must relocate.
        btf: a kernel's raw BTF, checked.
        name: the kernel's.
        bpftool: the program, 7.0 or newer.

    Raises:
        DroidbpfError: bpftool is missing or fails; with what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "kernel.btf"), Path(folder, "min.btf")
        source.write_bytes(btf)
        # A name may begin with "-": as an absolute path it is no option.
        paths = [source, result, *(path.absolute() for path in objects)]
        command: list[str | Path] = [bpftool, "-d", "gen", "min_core_btf", *paths]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"LC_ALL": "C"},
                timeout=_TIMEOUT,
            )
        except subprocess.TimeoutExpired as error:
            raise DroidbpfError(f"bpftool did not end on {name} in {_TIMEOUT} s") from error
        except OSError as error:
            message = f"cannot run {printable(bpftool)}: {error.strerror}"
            raise DroidbpfError(message, _NO_BPFTOOL) from error
        lines = done.stderr.decode(errors="backslashreplace").split("\n")
        if done.returncode or not result.exists():
            names = printable(", ".join(path.name for path in objects))
            last = [line for line in lines if line.strip() and not _INFORMATIVE.match(line)]
            why = "".join(f"\n  {printable(line.strip())}" for line in last[-_LAST_LINES:])
            reason = f"bpftool cannot relocate {names} on {name}"
            raise DroidbpfError(f"{reason}:{why or f' status {done.returncode}'}")
        return lines, result.read_bytes()
