"""Whether a C source defines main(), found out without a compiler."""

from __future__ import annotations

import re

# A directive of a condition, or a definition of main() at the beginning of a line.
TOKEN = re.compile(
    rb"^[ \t]*#[ \t]*(?P<condition>if|endif)|^(?:\w{1,20}\s{1,9})?main\s{0,9}\([^;{}#]{0,200}\{",
    re.MULTILINE,
)


def defines_main(path: str) -> bool:
    """Return whether a source defines main(), other than between #if and #endif."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return False  # the step that compiles it reports that
    conditions = 0
    for match in TOKEN.finditer(text):
        if not match["condition"] and not conditions:
            return True
        conditions += {b"if": 1, b"endif": -1}.get(match["condition"], 0)
    return False
