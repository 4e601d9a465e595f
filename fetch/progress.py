"""What a person at a terminal sees of downloads: bars, warnings."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fetch.settings import Settings

if TYPE_CHECKING:
    import tqdm


@contextmanager
def told(settings: Settings) -> Iterator[Settings]:
    """Give settings that print warnings, and show a bar for each download on a terminal."""
    settings = settings._replace(report=lambda line: print(f"warning: {line}", file=sys.stderr))
    if not sys.stderr.isatty():
        yield settings
        return
    bars: dict[str, tqdm.tqdm[Any]] = {}

    def show(name: str, got: int, size: int) -> None:
        import tqdm

        if name not in bars:
            plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
            bars[name] = tqdm.tqdm(
                desc=name, total=size or None, unit="B", unit_scale=True, leave=False, ascii=plain
            )
        bars[name].update(got - bars[name].n)

    def report(line: str) -> None:
        with _above(bars):
            settings.report(line)

    def downloaded(name: str, place: str, size: int, seconds: float) -> None:
        with _above(bars):
            settings.downloaded(name, place, size, seconds)

    try:
        yield settings._replace(progress=show, report=report, downloaded=downloaded)
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def _above(bars: "dict[str, tqdm.tqdm[Any]]") -> Iterator[None]:
    """Clear the bars while a line is printed."""
    if not bars:
        yield
        return
    import tqdm

    with tqdm.tqdm.external_write_mode(sys.stderr):
        yield
