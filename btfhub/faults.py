"""The file beside a minimized BTF: which of the fields that an app reads its kernel lacks."""

import json
from pathlib import Path
from typing import NamedTuple

from base.errors import DroidbpfError, printable
from btfhub.file_errors import file_errors


class Faults(NamedTuple):
    """The faults of an app on a kernel, as `struct.member`.

    Attributes:
        missing: what the kernel lacks and the app reads without asking.
        unreliable: what the BTF may have in wrong places.
    """

    missing: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()


def read(path: Path) -> Faults:
    """Read the file.

    Raises:
        DroidbpfError: it is damaged, or cannot be read.
    """
    with file_errors("read", path):
        content = path.read_bytes()
    try:
        table = json.loads(content)
        return Faults(tuple(table["missing"]), tuple(table["unreliable"]))
    except (ValueError, TypeError, KeyError) as error:
        message = f"{printable(str(path))} is damaged"
        raise DroidbpfError(message, "remove it and build again") from error
