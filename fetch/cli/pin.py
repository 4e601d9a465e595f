"""`./dev fetch pin`: print the lines of a new pin for sources.toml."""

import argparse
import json
import re
import tempfile
from pathlib import Path
from urllib.parse import unquote

from base import files
from base.errors import DroidbpfError
from base.settings import Settings
from fetch.reasons import redact

_LARGEST = 1 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("archive", metavar="FILE|URL")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the pin of an archive; return 0."""
    with tempfile.TemporaryDirectory() as folder:
        url = options.archive if "://" in options.archive else ""
        path = _download(url, Path(folder), settings) if url else Path(options.archive)
        try:
            sha256, size = files.sha256(path), path.stat().st_size
        except OSError as error:
            hint = "name an archive of this machine, or a URL that begins with http:// or https://"
            raise DroidbpfError(f"cannot read {path}: {error.strerror}", hint) from error
    version = re.search(r"[0-9]+(\.[0-9]+)+", path.name)
    name = re.split(r"[-_.]?v?[0-9]", path.name, maxsplit=1)[0] or "NAME"
    print(f"[{json.dumps(name) if not re.fullmatch(r'[A-Za-z0-9_-]+', name) else name}]")
    print(f"version = {json.dumps(version.group() if version else '')}")
    print(f"filename = {json.dumps(path.name)}")
    print(f'sha256 = "{sha256}"')
    print(f"size = {size}")
    print(f"urls = {json.dumps([url] if url else [])}")
    return 0


def _download(url: str, folder: Path, settings: Settings) -> Path:
    from fetch import http

    if settings.offline:
        raise DroidbpfError(f"offline: {redact(url)} cannot be asked")
    if "@" in url.split("/")[2]:
        hint = "put it into ~/.netrc: everybody reads a pin"
        raise DroidbpfError(f"{redact(url)} holds a password", hint)
    path = folder / "partial" / (Path(unquote(re.split("[?#]", url)[0])).name or "archive")
    path.parent.mkdir()
    http.download(url, path, _LARGEST, exact=False)
    return path
