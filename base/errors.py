"""The one exception family of droidbpf: what went wrong, what to do next, in printable words."""

from collections.abc import Iterable


class DroidbpfError(Exception):
    """A failure that the user can act on.

    Args:
        message: the cause, one sentence without a full stop; may hold further lines.
        hint: the next step for the user, or "" where there is none.

    Attributes:
        status: the exit status of a command that fails so.
    """

    status = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the two lines that every front end prints, without control characters."""
        text = f"error: {self.message}" + (f"\nhint: {self.hint}" if self.hint else "")
        return "\n".join(map(printable, text.split("\n")))


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that offers the known name nearest to a wrong one, whatever the case.

    Args:
        otherwise: the hint where no name is near.
    """
    import difflib

    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(wrong.lower(), folded, 1)
    return f"did you mean {folded[near[0]]}?" if near else otherwise


def printable(text: str) -> str:
    """Return a text from outside with its control characters escaped as Python escapes them.

    What a terminal would obey, what ends a line, and bytes that are no UTF-8 are escaped.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """Return a text from outside, of several lines, with the control characters in them escaped."""
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))
