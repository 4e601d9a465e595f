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


class ArchiveError(DroidbpfError):
    """An archive is damaged or hostile."""


class AbsentError(DroidbpfError):
    """Some files are not in the cache, and no place gives them."""


class NoPlaceError(AbsentError):
    """No place gives some files; `tried` has for each, described, the places with their reasons."""

    def __init__(self, tried: dict[str, list[str]], hint: str) -> None:
        if len(tried) == 1:
            ((file, reasons),) = tried.items()
            message = "\n  ".join([f"no place gives {file}:", *reasons])
        else:
            lines = [f"no place gives these {len(tried)} files:"]
            for file, reasons in tried.items():
                lines += [file, *(f"  {reason}" for reason in reasons)]
            message = "\n  ".join(lines)
        super().__init__(message, hint)
        self.tried = tried
