"""A kernel's raw BTF as a file for bpftool: as pinned by its hash, else checked."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import sha256
from btfhub.file_errors import errors_of, file_errors

ARCH = "arm64"  # of all kernels of the hubs
_HINT = "remove it and build again: the build unpacks it from the pinned archive"


@contextmanager
def opened(path: Path, pin: str = "") -> Iterator[Path]:
    """Yield the path of a kernel's raw BTF: the same one, or of a file that is removed afterwards.

    Args:
        path: raw BTF; without a pin also any other file that has BTF.
        pin: the sha256 of the raw BTF, which was checked when it was pinned.

    Raises:
        DroidbpfError: it is not as pinned; it is damaged, hostile or no arm64 kernel's.
    """
    if pin:
        with file_errors("read", path):
            digest = sha256(path)
        if digest != pin:
            raise DroidbpfError(f"{printable(str(path))} is not the BTF that is pinned", _HINT)
        yield path
        return
    data = checked(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"{path.name.partition('.btf')[0]}.btf")
        copy.write_bytes(data)
        yield copy


def checked(path: Path) -> bytes:
    """Return the raw BTF of a file, checked.

    Raises:
        DroidbpfError: it is damaged, hostile or no arm64 kernel's.
    """
    from btfhub import images

    data = images.read(path)
    check(data, str(path))
    return data


def check(data: bytes, where: str) -> None:
    """Check that a BTF is sound and a whole arm64 kernel's.

    Args:
        where: what messages call it.

    Raises:
        DroidbpfError: it is not.
    """
    from btfhub import btf, plausible

    with errors_of(where):
        btf.check(data)
        plausible.kernel(data, ARCH)
