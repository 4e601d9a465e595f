"""What a person at a terminal sees of downloads: progress bars and warnings."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from base.errors import printable
from base.settings import Settings

if TYPE_CHECKING:
    import tqdm


def plain_terminal() -> bool:
    """Return whether the user asked for no colours and no drawing characters."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


@contextmanager
def show_progress(settings: Settings) -> Iterator[Settings]:
    """Yield settings that print warnings, and show a bar for each download on a terminal."""
    settings = settings._replace(report=_print_warning)
    if not sys.stderr.isatty():
        yield settings
        return
    bars: dict[str, tqdm.tqdm[Any]] = {}

    def show(name: str, got: int, size: int) -> None:
        import tqdm

        if name not in bars:
            bars[name] = tqdm.tqdm(
                desc=printable(name),
                total=size or None,
                unit="B",
                unit_scale=True,
                leave=False,
                ascii=plain_terminal(),
            )
        bars[name].update(got - bars[name].n)

    def report(line: str) -> None:
        with _bars_cleared(bars):
            settings.report(line)

    def downloaded(name: str, place: str, size: int, seconds: float) -> None:
        with _bars_cleared(bars):
            settings.downloaded(name, place, size, seconds)

    try:
        yield settings._replace(progress=show, report=report, downloaded=downloaded)
    finally:
        for bar in bars.values():
            bar.close()


def _print_warning(line: str) -> None:
    print(f"warning: {printable(line)}", file=sys.stderr)


@contextmanager
def _bars_cleared(bars: "dict[str, tqdm.tqdm[Any]]") -> Iterator[None]:
    """Clear the bars while a line is printed."""
    if not bars:
        yield
        return
    import tqdm

    with tqdm.tqdm.external_write_mode(sys.stderr):
        yield
