"""Finds the BTF that fits a kernel release; btfhub/runtime does the same in C on the device."""

from collections.abc import Iterable
from dataclasses import dataclass

from btfhub import gki
from btfhub.names import HubName, Release, parse_release

NOTHING, OLDER, SUBLEVEL, BUILD, RELEASE = range(5)
_SHORTEST_COMMIT = 7  # hex digits


@dataclass(frozen=True)
class Key:
    """What a kernel must have for a BTF to fit; it goes into programs, too.

    Attributes:
        version, android, kmi, sublevel: as in names.Release; "", 0 and -1 where unknown.
        month: 202205, 0 for none; only to order keys.
        exact_only: it fits by build id or commit alone: the layout of its neighbours differs.
        commit: a prefix, at least 7 hex digits.
        builds: the build ids that are known to be of it.
        release: the text of a BTF that is named by a release.
    """

    name: str
    version: str = ""
    android: int = 0
    kmi: int = -1
    sublevel: int = -1
    month: int = 0
    exact_only: bool = False
    commit: str = ""
    builds: tuple[str, ...] = ()
    release: str = ""


def key(name: HubName) -> Key:
    """Give what a kernel must have for the hub's file of this name."""
    if name.kind == "release":
        r = parse_release(name.name)
        builds = (r.build,) if r.build else ()
        return Key(
            name.name, r.version, r.android, r.kmi, r.sublevel, 0, False, r.commit, builds, r.text
        )
    if name.kind == "vendor":
        _, version, commit = name.name.rsplit("-", 2)
        return Key(name.name, version, commit=commit)
    branch = gki.branch(name.branch)
    android, _, version = name.branch.removeprefix("android").partition("-")
    return Key(
        name.name,
        version,
        int(android),
        branch.kmi,
        branch.sublevel(name.month or name.kind),
        int(name.month.replace("-", "") or 0),
        name.month in branch.exact_only,
        builds=branch.builds.get(name.month, ()),
    )


def rank(k: Key, r: Release) -> int:
    """Give how well a key fits: NOTHING, OLDER, SUBLEVEL, BUILD (or the commit) or RELEASE."""
    if k.release and k.release == r.text:
        return RELEASE
    if k.version != r.version:
        return NOTHING
    digits = min(len(k.commit), len(r.commit))
    if digits >= _SHORTEST_COMMIT and k.commit[:digits] == r.commit[:digits]:
        return BUILD
    if not r.android or (k.android, k.kmi) != (r.android, r.kmi):
        return NOTHING
    if r.build and r.build in k.builds:
        return BUILD
    if k.exact_only or not 0 <= k.sublevel <= r.sublevel:
        return NOTHING
    return SUBLEVEL if k.sublevel == r.sublevel else OLDER


def ranked(r: Release, keys: Iterable[Key]) -> list[tuple[int, Key]]:
    """Give the keys that fit with their ranks, the best first.

    Among equal ones the highest sublevel goes first, then those named by a release, then the
    latest month, then the name.
    """
    fitting = [(how, k) for k in keys if (how := rank(k, r)) != NOTHING]
    return sorted(
        fitting, key=lambda f: (-f[0], -f[1].sublevel, not f[1].release, -f[1].month, f[1].name)
    )
