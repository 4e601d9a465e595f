"""Documentation, messages and docstrings follow the rules of plain English that a test can see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tracked import ROOT, pages, tracked

# Rooms whose Python text follows the rules.
ROOMS = (
    "base/",
    "fetch/",
    "vm/",
    "vmlinux/",
    "benchmarks/",
    "docs/",
    "apps/",
    "tests/vm/",
    "tests/unit/vm",
    "tests/unit/apps/",
    "tests/helpers/",
)
OPENINGS = ("Give", "Gives", "Tell", "Tells", "Let", "Lets", "Make sure", "Makes sure")
FORBIDDEN = re.compile(
    r"\b(told|heed|heeds|heeded|anew|but for|is to be had|are to be had|of a user's|to no avail)\b",
    re.I,
)


def modules() -> list[str]:
    return [name for name in tracked("*.py", "SConstruct") if name.startswith(ROOMS)]


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
