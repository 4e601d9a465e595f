"""The index of a hub: it lists what a folder or a static web server holds."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from base.errors import DroidbpfError, printable
from base.files import sha256
from btfhub import processes
from btfhub.file_errors import file_errors
from btfhub.hub import Holding, Hub, compare, named, paths_of
from btfhub.lock import LARGEST, LARGEST_FILE, HubFile, Lock, make, parse
from fetch.errors import PlaceError

NAME = "index.json"


def describe_all(files: Mapping[str, Path]) -> list[HubFile]:
    """Unpack and check archives on all CPUs; return their entries in an index.

    Args:
        files: by their paths below the hub.

    Raises:
        DroidbpfError: one is damaged, or its BTF is not that of an arm64 kernel, or not sound.
    """
    return processes.each(_describe, list(files.values()), *zip(*named(files).items(), strict=True))


def _describe(file: Path, path: str, name: str) -> HubFile:
    from btfhub import archive, kernels

    size, digest_ = digest(file)
    data = archive.unpack(file)[1]
    kernels.check(data, str(file))
    branch, month = _origin(path)
    return HubFile(
        name, path, size, digest_, len(data), hashlib.sha256(data).hexdigest(), branch, month
    )


def digest(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the sha256 of an archive.

    Raises:
        DroidbpfError: it cannot be read, or is too large.
    """
    with file_errors("read", path):
        size = path.stat().st_size
        if not 0 < size <= LARGEST_FILE:
            where = printable(str(path))
            raise DroidbpfError(f"{where} has {size} bytes, not 1 to {LARGEST_FILE}")
        return size, sha256(path)


def _origin(path: str) -> tuple[str, str]:
    """Return branch and month of an archive: of a distribution's kernel, the distribution."""
    from btfhub.names import parse_name, parse_release

    try:
        name = parse_name(path)
        branch = name.branch or parse_release(name.name).branch
    except DroidbpfError:
        return "", ""
    parts = path.split("/")
    return branch or (parts[0] if len(parts) > 2 else ""), name.month


def of_folder(folder: Path) -> Lock:
    """Make the index of a folder by unpacking and checking each archive in it.

    Raises:
        DroidbpfError: it holds none, or one is damaged.
    """
    paths = sorted(paths_of(folder))
    if not paths:
        raise DroidbpfError(
            f"{printable(str(folder))} holds no archive of a hub",
            "a hub holds FOLDER/NAME-arm64.btf.tar.xz or DISTRO/VERSION/ARCH/RELEASE.btf.tar.xz",
        )
    return make("", describe_all({path: folder / path for path in paths}))


def of_url(hub: Hub) -> dict[str, HubFile] | None:
    """Return the entries of a web server's index by path; None if it has no index.

    Raises:
        PlaceError: the server does not answer.
        DroidbpfError: the index is malformed.
    """
    from fetch import http

    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "partial", NAME)
        part.parent.mkdir()
        try:
            http.download(hub.url_of(NAME), part, LARGEST, exact=False)
        except PlaceError as error:
            if error.missing:
                return None
            message = f"the index of {hub} cannot be downloaded: {error.message}"
            raise PlaceError(message) from error
        files = parse(part.read_bytes(), f"the index of {hub}").files
    return {file.path: file._replace(url="") for file in files.values()}


def compared(entries: Mapping[str, HubFile], lock: Lock) -> Holding:
    """Compare the entries of an index, by path, with the lock."""
    return compare({path: (file.size, file.sha256) for path, file in entries.items()}, lock)


def holding(hub: Hub) -> Holding:
    """Compare what a hub holds with the lock; of a URL by its index, if it has one.

    Offline, or without an index, a URL is assumed to hold all that the lock pins.

    Raises:
        PlaceError: the server does not answer.
        DroidbpfError: no such folder; the index is malformed.
    """
    if not hub.place or hub.folder or hub.settings.offline:
        return hub.holding()
    entries = of_url(hub)
    if entries is not None:
        return compared(entries, hub.lock)
    hub.settings.report(f"{hub} has no {NAME}: it is assumed to hold all that the lock pins")
    return hub.holding()
