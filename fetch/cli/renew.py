"""`./dev fetch renew`: pin the packages of a file that the distribution's archive has now."""

import argparse
import json
import re
from pathlib import Path

from base import files
from base.errors import DroidbpfError
from base.progress import show_progress
from base.settings import Settings
from fetch import pins

PACKAGES = Path(__file__).resolve().parents[2] / "toolchains" / "musl.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "file", type=Path, nargs="?", default=PACKAGES, help="toolchains/musl.toml if not given"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Rewrite the pins that are outdated; print a line for each package; return 0."""
    from fetch import apt, aptconf

    if settings.offline:
        raise DroidbpfError("offline: the archive cannot be asked")
    known = pins.load(options.file)
    text = options.file.read_text()
    with show_progress(settings) as shown:
        for old in known.values():
            place = next((place for place in old.alternatives if place.arch), None)
            if not place:
                continue
            aptconf.require_distribution(place.distribution)
            package = old.filename.partition("_")[0]
            new = apt.pin(package, suite=place.suite, arch=place.arch, settings=shown)
            if new.sha256 == old.sha256:
                print(f"{old.name:<20} {old.version} is the newest")
            else:
                text = _renewed(text, old.name, new)
                print(f"{old.name:<20} {old.version} -> {new.version}")
    try:
        files.write_atomically(options.file, text)
    except OSError as error:
        raise DroidbpfError(f"cannot write {options.file}: {error.strerror}") from error
    return 0


def _renewed(text: str, name: str, new: pins.Pin) -> str:
    """Return the text of a file of pins in which one pin, whatever its old fields, is another."""
    (place,) = new.alternatives
    begin = text.index(f"[{name}]\n")
    after = re.compile(r"^\[[^\[]", re.MULTILINE).search(text, begin + 1)
    end = after.start() if after else len(text)
    table = text[begin:end]
    for key in ("version", "filename", "sha256", "size", "path", "snapshot"):
        value = json.dumps(getattr(new, key, None) or getattr(place, key))
        old = re.search(rf"^{key} = .*$", table, re.MULTILINE)
        assert old, "pins.load() has read it"
        table = table.replace(old[0], f"{key} = {value}")
    return text[:begin] + table + text[end:]
