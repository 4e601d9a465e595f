"""Documentation, messages and docstrings follow the rules of plain English that a test can see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tracked import ROOT, tracked

OPENINGS = ("Give", "Gives", "Tell", "Tells", "Let", "Lets", "Make sure", "Makes sure")
NOT_OURS = (".xz", ".png", ".lock", "LICENSE")
FORBIDDEN = re.compile(
    r"\b(told|heed|heeds|heeded|anew|but for|is to be had|are to be had|of a user's|to no avail)\b",
    re.I,
)


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings of a module, of its classes and of its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def test_docstrings_open_with_what_the_code_does() -> None:
    wrong = [
        f"{name}: {text.splitlines()[0]}"
        for name in tracked("*.py", "SConstruct")
        for text in docstrings(ast.parse((ROOT / name).read_text()))
        if re.match(rf"({'|'.join(OPENINGS)})\b", text)
    ]
    assert wrong == []


def test_words_that_must_be_read_twice_do_not_occur_in_the_product() -> None:
    wrong = [
        f"{name}:{number}: {found[0]}"
        for name in tracked(".")
        if not name.startswith("tests/") and not name.endswith(NOT_OURS)
        for number, line in enumerate((ROOT / name).read_text().split("\n"), 1)
        if (found := FORBIDDEN.search(line))
    ]
    assert wrong == []
