"""`./dev fetch renew`: pin the packages of a file that the distribution's archive has now."""

import argparse
import json
import re
import time
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
    old = pins.load(options.file)
    text = options.file.read_text()
    with show_progress(settings) as shown:
        for pin in old.values():
            if not pin.pool:
                continue
            fields = _newest(pin, pin.pool, shown)
            if fields["SHA256"] == pin.sha256:
                print(f"{pin.name:<20} {pin.version} is the newest")
            else:
                text = _renewed(text, pin, pin.pool, fields)
                print(f"{pin.name:<20} {pin.version} -> {fields['Version']}")
    try:
        files.write_atomically(options.file, text)
    except OSError as error:
        raise DroidbpfError(f"cannot write {options.file}: {error.strerror}") from error
    return 0


def _newest(pin: pins.Pin, pool: pins.Pool, settings: Settings) -> dict[str, str]:
    """Return the fields of the package in an index that is fetched now."""
    from fetch import apt

    return apt.show(
        pin.filename.partition("_")[0],
        suite=pool.suite,
        arch=pool.arch,
        settings=settings,
        distribution=pool.distribution,
        days=0,
    )


def _renewed(text: str, pin: pins.Pin, pool: pins.Pool, fields: dict[str, str]) -> str:
    """Return the text of a file of pins in which one pin is that of other fields."""
    path = fields["Filename"]
    changes: dict[str, str | int] = {
        "version": fields["Version"],
        "filename": path.rpartition("/")[2],
        "sha256": fields["SHA256"],
        "size": int(fields["Size"]),
        "path": path,
        "snapshot": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }
    begin = text.index(f"[{pin.name}]")
    pool_table = text.index(f"[{pin.name}.pool]")
    after = re.compile(r"^\[", re.MULTILINE).search(text, pool_table + 1)
    end = after.start() if after else len(text)
    table = text[begin:end]
    for key, value in changes.items():
        old = re.search(rf"^{key} = .*$", table, re.MULTILINE)
        assert old, "pins.load() has read it"
        table = table.replace(old[0], f"{key} = {json.dumps(value)}")
    return text[:begin] + table + text[end:]
