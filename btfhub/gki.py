"""Facts on Android's common kernels, by branch: gki_months.json and gki.json."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent


class Branch(NamedTuple):
    """A branch such as android12-5.10.

    Attributes:
        kmi: the frozen generation of the kernel module interface; -1 where it is not known.
        kernel_btf: its kernels are built with CONFIG_DEBUG_INFO_BTF.
        months: month ("2022-05") → sublevel.
        stands_for: "tip" and "lts" → the month that these files of the hub stand for.
        exact_only: months whose core structs differ from those of their neighbours.
        builds: month → the ids of Google's builds.
    """

    kmi: int = -1
    kernel_btf: bool = False
    months: Mapping[str, int] = {}
    stands_for: Mapping[str, str] = {}
    exact_only: frozenset[str] = frozenset()
    builds: Mapping[str, tuple[str, ...]] = {}

    def sublevel(self, which: str) -> int:
        """Return the sublevel of a month, of "tip" or of "lts"; -1 where it is not known."""
        return self.months.get(self.stands_for.get(which, which), -1)

    def months_of(self, sublevel: int) -> list[str]:
        """Return the months that had a sublevel."""
        return [month for month, its in self.months.items() if its == sublevel]

    def month_of_build(self, build: str) -> str:
        """Return the month of a build, "" where it is not known."""
        return next((month for month, builds in self.builds.items() if build in builds), "")


def branch(name: str) -> Branch:
    """Return what is known of a branch; all fields are empty for an unknown one."""
    return branches().get(name, Branch())


@cache
def branches() -> dict[str, Branch]:
    """Return every branch that is known, by name."""
    months = json.loads((_FOLDER / "gki_months.json").read_text())["branches"]
    tables = json.loads((_FOLDER / "gki.json").read_text())["branches"]
    return {
        name: Branch(
            kmi=table.get("kmi", -1),
            kernel_btf=table["kernel_btf"],
            months=months.get(name, {}),
            stands_for={which: table[which] for which in ("tip", "lts") if which in table},
            exact_only=frozenset(table.get("exact_only", ())),
            builds={month: tuple(ids) for month, ids in table.get("builds", {}).items()},
        )
        for name, table in tables.items()
    }
