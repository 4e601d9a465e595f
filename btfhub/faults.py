"""The file beside a minimized BTF: which of the fields that an app reads its kernel lacks."""

import json
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError, printable
from base.files import write_atomically


class Faults(NamedTuple):
    """The faults of an app on a kernel, as `struct.member`.

    Attributes:
        missing: what the kernel lacks and the app reads without asking.
        unreliable: what the BTF may have in wrong places.
    """

    missing: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()


def write(path: Path, faults: Faults) -> None:
    """Write the file.

    Raises:
        DroidbpfError: it cannot be written.
    """
    try:
        write_atomically(path, json.dumps(faults._asdict(), indent=1) + "\n")
    except OSError as error:
        raise DroidbpfError(f"cannot write {printable(str(path))}: {error.strerror}") from error


def read(path: Path) -> Faults:
    """Read the file.

    Raises:
        DroidbpfError: it is damaged, or cannot be read.
    """
    try:
        table = json.loads(path.read_bytes())
        return Faults(tuple(table["missing"]), tuple(table["unreliable"]))
    except OSError as error:
        raise DroidbpfError(f"cannot read {printable(str(path))}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        message = f"{printable(str(path))} is damaged"
        raise DroidbpfError(message, "remove it and build again") from error
