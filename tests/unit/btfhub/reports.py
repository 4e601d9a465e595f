"""Kernels and relocations by hand, for the tests of the report."""

from __future__ import annotations

from btfhub.answers import Kernel
from btfhub.names import parse_name
from btfhub.objects import Wanted
from btfhub.relocations import Relocation


def relocation(
    kind: str,
    type_: str,
    path: str,
    value: int | None,
    *,
    bit: int = 0,
    flavour: str = "",
    program: str = "main",
    number: int = 0,
) -> Relocation:
    fields = ((type_, path.removeprefix(".")),)
    wanted = Wanted("raw_tp/x", number, program, kind, 1, type_, flavour, path, fields)
    return Relocation(wanted, value, bit)


def kernel(
    name: str, *relocations: Relocation, doubt: dict[tuple[str, str], str] | None = None
) -> Kernel:
    return Kernel(parse_name(name), relocations, doubt or {})


def months(
    branch: str,
    first: int,
    last: int,
    *relocations: Relocation,
    doubt: dict[tuple[str, str], str] | None = None,
) -> list[Kernel]:
    """Return the kernels of months of 2022."""
    return [
        kernel(f"{branch}-2022-{month:02}", *relocations, doubt=doubt)
        for month in range(first, last + 1)
    ]
