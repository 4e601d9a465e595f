"""Why a place does not give a file, and why no place gives one."""

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


class RetryError(PlaceError):
    """A failure that another attempt may cure.

    Args:
        wait: seconds to wait before it, as the server asks.
        unreachable: as in PlaceError.
    """

    def __init__(self, message: str, wait: float = 0, *, unreachable: bool = False) -> None:
        super().__init__(message, unreachable=unreachable)
        self.wait = wait


class ArchiveError(DroidbpfError):
    """An archive is damaged or hostile."""


class AbsentError(DroidbpfError):
    """Some files are not in the cache, and no place gives them."""
