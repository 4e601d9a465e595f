"""Documentation, messages and docstrings follow the rules of plain English that a test can see."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WIDTH = 100
# Rooms whose Python text follows the rules.
ROOMS = ("base/", "vm/", "vmlinux/", "docs/")
UNFINISHED = ("docs/apps.md", "docs/btf.md", "docs/fetch.md", "docs/toolchains.md")
OPENINGS = ("Give", "Gives", "Tell", "Tells", "Let", "Lets", "Make sure", "Makes sure")
FORBIDDEN = re.compile(
    r"\b(told|heeded|anew|but for|is to be had|are to be had|of a user's|to no avail)\b", re.I
)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def tracked(*patterns: str) -> list[str]:
    """Return the files that git tracks and that exist."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, or git is missing")
    names = listing.stdout.decode().split("\0")
    return [name for name in names if name and (ROOT / name).exists()]


def pages() -> list[str]:
    return [name for name in tracked("*.md") if name not in UNFINISHED]


def modules() -> list[str]:
    return [name for name in tracked("*.py", "SConstruct") if name.startswith(ROOMS)]


def prose(page: str) -> str:
    """Return a page's text with its code blocks replaced by empty lines."""
    return FENCE.sub(lambda block: "\n" * block[0].count("\n"), (ROOT / page).read_text())


def public_docstrings(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings of the module and of its public classes and functions."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and not getattr(node, "name", "").startswith("_"):
            yield ast.get_docstring(node) or ""


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each string of a module, docstrings included, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_lines_of_the_documentation_fit_into_100_columns() -> None:
    long = [
        f"{page}:{number}"
        for page in pages()
        for number, line in enumerate(prose(page).split("\n"), 1)
        if len(line) > WIDTH and not line.startswith("|") and "](" not in line
    ]
    assert long == []


def test_docstrings_open_with_what_the_code_does() -> None:
    wrong = [
        f"{name}: {text.splitlines()[0]}"
        for name in modules()
        for text in public_docstrings(ast.parse((ROOT / name).read_text()))
        if re.match(rf"({'|'.join(OPENINGS)})\b", text)
    ]
    assert wrong == []


def test_words_that_must_be_read_twice_do_not_occur() -> None:
    wrong = [
        f"{page}:{number}: {found[0]}"
        for page in pages()
        for number, line in enumerate((ROOT / page).read_text().split("\n"), 1)
        if (found := FORBIDDEN.search(line))
    ]
    wrong += [
        f"{name}:{line}: {found[0]}"
        for name in modules()
        for line, text in strings(ast.parse((ROOT / name).read_text()))
        if (found := FORBIDDEN.search(text))
    ]
    assert wrong == []


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
