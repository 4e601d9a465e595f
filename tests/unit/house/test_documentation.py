"""The documentation can be followed: its links, commands and options exist, its lines fit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tracked import ROOT, pages

import site_tools
from benchmarks.__main__ import COMMANDS as BENCHMARKS
from btfhub.__main__ import COMMANDS as BTFHUB
from fetch.__main__ import COMMANDS as FETCH
from vm.__main__ import COMMANDS as VM

WIDTH = 100
RELEASE = "5.10.43-android12-9-00007-g9771767708df-ab8009062"
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
COMMANDS = {"benchmarks": BENCHMARKS, "btfhub": BTFHUB, "fetch": FETCH, "vm": VM}
OPTIONS = {name for name, *_ in site_tools.OPTIONS}


def prose(page: str) -> str:
    """Return a page's text with its code blocks replaced by empty lines."""
    return FENCE.sub(lambda block: "\n" * block[0].count("\n"), (ROOT / page).read_text())


def test_lines_of_the_documentation_fit_into_100_columns() -> None:
    long = [
        f"{page}:{number}"
        for page in pages()
        for number, line in enumerate(prose(page).split("\n"), 1)
        if len(line) > WIDTH and not line.startswith("|") and "](" not in line
    ]
    assert long == []


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def test_links_of_the_documentation_lead_to_files_and_headings() -> None:
    broken = []
    for page in pages():
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            path, _, heading = link.partition("#")
            if "://" in link:
                continue
            target = (ROOT / page).parent / path if path else ROOT / page
            if not target.exists() or (heading and heading not in anchors(target)):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", (ROOT / "docs/README.md").read_text()))
    found = {name.removeprefix("docs/") for name in pages() if name.startswith("docs/")}
    assert sorted(found - linked - {"README.md"}) == []


@pytest.mark.parametrize("package", COMMANDS)
def test_commands_of_the_documentation_exist(package: str) -> None:
    named = {
        found
        for page in pages()
        for found in re.findall(rf"\./dev {package} ([a-z_]+)", (ROOT / page).read_text())
    }
    assert named <= COMMANDS[package].keys()


@pytest.mark.parametrize("package", ["btfhub", "fetch"])
def test_reference_lists_every_command(package: str) -> None:
    text = (ROOT / "docs/reference/commands.md").read_text()
    table = text.partition(f"| `./dev {package} …` | |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == COMMANDS[package].keys()


def test_options_of_the_documentation_exist() -> None:
    commands = [
        command
        for page in pages()
        for command in re.findall(r"\./dev scons ([^#`|\n]*)", (ROOT / page).read_text())
    ]
    words = " ".join(re.sub(r"'.*?'", "", command) for command in commands)
    named = set(re.findall(r"(?<!\S)(\w+)=", words))
    assert commands
    assert named <= OPTIONS


def test_reference_lists_every_option() -> None:
    text = (ROOT / "docs/reference/command-line.md").read_text()
    assert set(re.findall(r"^\| `(\w+)=`", text, re.MULTILINE)) == OPTIONS


def test_shown_answers_of_resolve_are_what_it_prints() -> None:
    shown = re.compile(r"^\$ \./dev btfhub resolve .*\n((?:.+\n)+?)```", re.MULTILINE)
    answers = {page: shown.findall((ROOT / page).read_text()) for page in pages()}
    assert sum(map(len, answers.values())) == 3
    command = [sys.executable, "-m", "btfhub", "resolve", "--offline", RELEASE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    printed = {*done.stdout.splitlines(), "  …"}
    for page, found in answers.items():
        for answer in found:
            assert set(answer.splitlines()) <= printed, page


@pytest.mark.parametrize("app", ["syscall_mon", "proc_mon"])
def test_reference_lists_every_option_of_the_shipped_apps(app: str) -> None:
    declared = re.compile(r"""\{ "([a-z-]+)", (?:'(\w)'|KEY_\w+),""")
    sources = [*ROOT.glob(f"apps/{app}/*.c"), *ROOT.glob("apps/_common/*.c")]
    found = {(m[1], m[2]) for file in sources for m in declared.finditer(file.read_text())}
    flags = {f"-{short}" if short else f"--{long}" for long, short in found}
    text = (ROOT / "docs/reference/shipped-apps.md").read_text()
    own, both = (
        text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        for title in (app, "Options of both")
    )
    assert set(re.findall(r"^\| `(--?[\w-]+)", own + both, re.MULTILINE)) == flags
