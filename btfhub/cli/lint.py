"""`./dev btfhub lint`: known defects of BTFs, and the fields of an app that they affect."""

import argparse
from collections.abc import Iterable, Sequence
from functools import partial

from base.cli import print_json
from base.settings import Settings
from btfhub import cli, kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "kernels", nargs="*", metavar="FILE|NAME", help="BTFs, names or branches of a hub [all]"
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
    from btfhub import objects

    fields = objects.fields(one for path in options.objects for one in objects.wanted(path))
    look = partial(_look, fields=fields, branch=options.branch)
    rows, good = cli.rows(look, cli.obtained(options, settings))
    if options.json:
        print_json({"files": rows})
    else:
        print("\n".join(_shown(good, bool(options.objects))))
    if len(good) < len(rows):
        return 2
    return int(any(row["unreliable" if options.objects else "defects"] for row in rows))


def _look(given: kernels.Kernel, fields: Iterable[tuple[str, str]], branch: str) -> cli.Row:
    """Return the defects of one, and which of the fields they make unreliable."""
    from btfhub import lint

    data = kernels.read(given)
    branch = given.name.branch or branch
    found = lint.defects(data, branch)
    return {
        "branch": branch,
        "judged": lint.is_judged(branch),
        "defects": [one._asdict() for one in found],
        "unreliable": [one._asdict() for one in lint.unreliable(data, found, fields)],
    }


def _shown(rows: Sequence[cli.Row], with_objects: bool) -> list[str]:
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
