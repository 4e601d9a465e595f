"""Why a place does not give a file, which the next place may have."""

from base.errors import DroidbpfError


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
