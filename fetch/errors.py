"""The one exception family of droidbpf: what went wrong, what to do next, in printable words."""

from collections.abc import Iterable


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """Give a hint that offers the known name nearest to a wrong one, whatever the case.

    Args:
        otherwise: the hint where no name is near.
    """
    import difflib

    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(wrong.lower(), folded, 1)
    return f"did you mean {folded[near[0]]}?" if near else otherwise


def printable(text: str) -> str:
    """Give a text that comes from a file without what a terminal would obey: else as in Python."""
    return text if text.isprintable() else ascii(text)


class DroidbpfError(Exception):
    """A failure that the user can act on.

    Args:
        message: the cause, one sentence without a full stop; may hold further lines.
        hint: the next step for the user, or "" where there is none.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Give the two lines that every front end prints."""
        return f"error: {self.message}" + (f"\nhint: {self.hint}" if self.hint else "")


class PlaceError(DroidbpfError):
    """A place does not give a file; the next place may.

    Args:
        missing: the place answers, and has no such file.
        wrong: the place gave other bytes than the pinned ones.
        unreachable: the place cannot be connected to.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: bool = False,
        wrong: bool = False,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.wrong = wrong
        self.unreachable = unreachable
