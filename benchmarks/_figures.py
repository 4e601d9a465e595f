"""What a benchmark prints: figures with their limits, as a table or as JSON."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from base import cli

BUSY_LOAD = 0.5


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, its unit, and its limits (None: no limit)."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is within its limits."""
        within = self.most is None or self.value <= self.most
        return within and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        """Return the line of a table."""
        value = f"{self.value:8.3f}" if isinstance(self.value, float) else f"{self.value:8}"
        limits = [("at most", self.most), ("at least", self.least)]
        shown = [f"{words} {limit:g}" for words, limit in limits if limit is not None]
        verdict = f"{', '.join(shown)}: {'met' if self.met else 'MISSED'}" if shown else ""
        return f"{self.name:58} {value} {self.unit:2}  {verdict}".rstrip()


def print_figures(figures: Sequence[Figure], as_json: bool) -> int:
    """Print the figures, as lines or as JSON; return 0 if all limits are met, else 1."""
    met = all(figure.met for figure in figures)
    if as_json:
        rows = [asdict(figure) | {"met": figure.met} for figure in figures]
        cli.print_json({"met": met, "figures": rows})
    else:
        print("\n".join(map(str, figures)))
    return 0 if met else 1


def add_rounds(parser: argparse.ArgumentParser, default: int, unit: str) -> None:
    """Add --rounds.

    Args:
        unit: what is repeated: "each command".
    """
    parser.add_argument(
        "--rounds", type=count, default=default, help=f"runs of {unit} (default: {default})"
    )


def count(text: str) -> int:
    """Return the value of an option that counts something, from 1.

    Raises:
        ArgumentTypeError: it is not a number, or less than 1.
    """
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("must be a number from 1")
    return int(text)


def warn_if_busy() -> None:
    """Print a note to stderr if other programs would disturb the measurement."""
    if os.getloadavg()[0] > BUSY_LOAD:
        print("note: the machine is busy, the figures will be noise", file=sys.stderr)
