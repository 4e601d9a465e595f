"""`./dev btfhub lint`: known defects of BTFs, and the fields of an app that they affect."""

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from base.cli import print_json
from base.settings import Settings
from btfhub import cli, inputs

if TYPE_CHECKING:
    from btfhub.lint import Defect, Unreliable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "selectors", nargs="*", metavar="FILE|NAME", help="BTFs, names or branches of a hub [all]"
    )
    cli.add_objects(parser, "a BPF object of an app: also list its unreliable fields")
    parser.add_argument(
        "--branch",
        default="",
        help="for files without it in their name, such as android12-5.10",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the defects of each BTF.

    Returns:
        With objects, 1 if a field of theirs is unreliable; without, 1 if there is a defect;
        2 if a BTF is damaged; else 0.
    """
    from base.progress import show_progress
    from btfhub import lock, objects

    wanted = (one for path in options.objects for one in objects.wanted(path))
    fields = objects.fields(wanted)
    with show_progress(settings) as shown:
        pins = lock.load(options.lock)
        given = inputs.gather(options.selectors or ["all"], options.hub, pins, shown)
    rows = inputs.rows(partial(_look, fields=fields, branch=options.branch), given)
    good = [row for row in rows if "error" not in row]
    if options.json:
        print_json({"files": rows})
    else:
        print("\n".join(_shown(good, bool(options.objects))))
    if len(good) < len(rows):
        return 2
    return int(any(row["unreliable" if options.objects else "defects"] for row in rows))


def _look(given: inputs.Input, fields: Iterable[tuple[str, str]], branch: str) -> dict[str, Any]:
    """Return the defects of one, and which of the fields they make unreliable."""
    from btfhub import lint

    data = inputs.read(given)
    branch = given.branch or branch
    found = lint.defects(data, branch)
    return {
        "branch": branch,
        "judged": lint.is_judged(branch),
        "defects": [_defect(one) for one in found],
        "unreliable": [_field(one) for one in lint.unreliable(data, found, fields)],
    }


def _defect(defect: "Defect") -> dict[str, str]:
    return {"name": defect.name, "title": defect.title}


def _field(field: "Unreliable") -> dict[str, Any]:
    return {
        "struct": field.struct,
        "member": field.member,
        "bit_offset": field.offset,
        "defects": list(field.defects),
    }


def _shown(rows: Sequence[dict[str, Any]], with_objects: bool) -> list[str]:
    """Return the lines: defects by file, their meaning, unreliable fields by files."""
    width = max((len(row["name"]) for row in rows), default=0)
    lines: list[str] = []
    titles: dict[str, str] = {}
    fields: dict[str, list[str]] = {}
    for row in rows:
        names = ", ".join(defect["name"] for defect in row["defects"])
        what = names or "no known defect"
        if not row["judged"]:
            what = f"not judged: {row['branch'] or 'no branch in its name'}"
        lines.append(f"{row['name']:{width}}  {what}")
        titles |= {defect["name"]: defect["title"] for defect in row["defects"]}
        for field in row["unreliable"]:
            line = f"{field['struct']}.{field['member']} ({', '.join(field['defects'])})"
            fields.setdefault(line, []).append(row["name"])
    lines += [f"{name}: {title}" for name, title in titles.items()]
    for line, names_of_files in fields.items():
        count = len(names_of_files)
        which = names_of_files[0] if count == 1 else f"{count} files"
        lines.append(f"unreliable in {which}: {line}")
    if with_objects and not fields:
        lines.append("every field that the objects read is reliable")
    return lines
