"""Whether a C source defines main(), found out without a compiler."""

from __future__ import annotations

import re

# Comments, strings, directives, and what a definition of main() is made of. Each byte is read once.
TOKEN = re.compile(
    rb"""//[^\n]*|/\*(?:.*?\*/|.*)|"(?:\\.|[^"\\\n])*+"?|'(?:\\.|[^'\\\n])*+'?"""
    rb"""|^[ \t]*+\#[ \t]*+(?P<directive>\w*+)(?:\\\n|[^\n])*+|[(){};]|\w++""",
    re.DOTALL | re.MULTILINE,
)


def defines_main(path: str) -> bool:
    """Return whether a source defines main(), other than between #if and #endif."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return False  # the step that compiles it reports that
    if b"main" not in text:
        return False
    conditions = parentheses = 0
    candidate = False
    before = b""
    for match in TOKEN.finditer(text):
        token = match[0]
        if token[:1] in b"/\"'":
            continue
        directive = match["directive"]
        if directive is not None:
            conditions += directive.startswith(b"if") - (directive == b"endif")
        elif token == b"(":
            candidate = candidate or (before == b"main" and not parentheses and not conditions)
            parentheses += 1
        elif token == b")":
            parentheses -= 1
        elif token == b"{" and candidate and not parentheses:
            return True
        elif token in b"{};":
            candidate, parentheses = False, 0
        before = token
    return False
