"""The BTF that fits a kernel release; btfhub/runtime chooses it in C on the device."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from btfhub import gki
from btfhub.names import HubName, Release, parse_release

NOTHING, OLDER, SUBLEVEL, BUILD, RELEASE = range(5)
CONFIDENCE = {
    NOTHING: "none",
    OLDER: "older",
    SUBLEVEL: "sublevel",
    BUILD: "exact",
    RELEASE: "exact",
}
_SHORTEST_COMMIT = 7  # hex digits


class Key(NamedTuple):
    """What a kernel must have for a BTF to fit; it goes into programs, too.

    Attributes:
        version, android, kmi, sublevel: as in names.Release; "", 0 and -1 where unknown.
        month: 202205, 0 for none; only to order keys.
        exact_only: it fits by build id, commit or release alone: a neighbour's layout may differ.
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
    """Return what a kernel must have for the hub's file of this name."""
    if name.kind == "release":
        r = parse_release(name.name)
        return Key(
            name.name,
            r.version,
            r.android,
            r.kmi,
            r.sublevel,
            # Without a frozen KMI two builds of one sublevel may differ.
            exact_only=not r.android or r.kmi != gki.branch(r.branch).kmi,
            commit=r.commit,
            builds=(r.build,) if r.build else (),
            release=r.text,
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
        exact_only=name.month in branch.exact_only,
        builds=branch.builds.get(name.month, ()),
    )


def rank(k: Key, r: Release) -> int:
    """Return how well a key fits: NOTHING, OLDER, SUBLEVEL, BUILD (or the commit) or RELEASE."""
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


def preference(k: Key) -> tuple[int, bool, int, str]:
    """Return what orders keys that fit equally well.

    The highest sublevel goes first, then those named by a release, then the latest month, then the
    name by its bytes.
    """
    return -k.sublevel, not k.release, -k.month, k.name


def ranked(r: Release, keys: Iterable[Key]) -> list[tuple[int, Key]]:
    """Return the keys that fit with their ranks, the best first."""
    fitting = [(how, k) for k in keys if (how := rank(k, r)) != NOTHING]
    return sorted(fitting, key=lambda f: (-f[0], preference(f[1])))


class Match(NamedTuple):
    """Which BTF fits a kernel, and why.

    Attributes:
        key: the BTF; None where nothing fits.
        confidence: "exact" (the release, the build or the commit), "sublevel" (its months share
            their core structs), "older" (the nearest older one) or "none".
        reason: a sentence.
        warnings: what may still be wrong, a sentence each.
        others: what fits, too, the best first, each with its confidence.
        step: what to do next, a sentence; "" where the BTF is only to be embedded.
    """

    key: Key | None
    confidence: str
    reason: str
    warnings: tuple[str, ...] = ()
    others: tuple[tuple[str, Key], ...] = ()
    step: str = ""


def resolve(r: Release, keys: Sequence[Key]) -> Match:
    """Choose among keys the BTF that fits a kernel."""
    fitting = ranked(r, keys)
    if not fitting:
        reason, step = _why_nothing(r, keys)
        return Match(None, CONFIDENCE[NOTHING], reason, step=step)
    how, best = fitting[0]
    others = tuple((CONFIDENCE[its], k) for its, k in fitting[1:])
    warnings = tuple(_warnings(r, how, best, keys))
    return Match(best, CONFIDENCE[how], _why(r, how, best), warnings, others)


def _why(r: Release, how: int, k: Key) -> str:
    if how == RELEASE:
        return "this BTF is named by that very release"
    if how == BUILD:
        if r.build and r.build in k.builds:
            month = gki.branch(r.branch).month_of_build(r.build)
            return f"Google's build {r.build} is {f'of {month}' if month else 'that of this BTF'}"
        return f"the commit g{r.commit} is that of this BTF"
    kernel = f"{r.branch}, KMI generation {r.kmi}"
    if how == SUBLEVEL:
        months = gki.branch(r.branch).months_of(r.sublevel)
        tail = f", that of {_and(months)}" if months else ""
        return f"{kernel}, the same sublevel {r.sublevel}{tail}"
    return f"{kernel}: sublevel {k.sublevel} is the nearest that is older than {r.sublevel}"


def _warnings(r: Release, how: int, k: Key, keys: Sequence[Key]) -> Iterable[str]:
    branch = gki.branch(r.branch)
    if branch.kernel_btf:
        yield (
            f"kernels of {r.branch} normally have BTF themselves: where /sys/kernel/btf/vmlinux is"
            " there, it is used and nothing has to be embedded"
        )
    if "-dirty" in r.rest and how != RELEASE:
        yield "-dirty: the kernel was built from changed sources, its structs may be others"
    if how in (BUILD, RELEASE):
        return
    if not k.month and not k.release:
        yield f"{k.name} is of no month; sublevel {k.sublevel} stands for what was measured of it"
    known = branch.month_of_build(r.build)
    differing = [month for month in branch.months_of(r.sublevel) if month in branch.exact_only]
    if known in differing:
        yield f"build {r.build} is of {known}, whose core structs differ from those of this BTF"
    elif differing and known and known < max(differing):
        yield (
            f"build {r.build} is of {known}, before {_and(differing)}, whose core structs differ:"
            " those of this build were not measured"
        )
    elif differing and not known:
        yield (
            f"sublevel {r.sublevel} is also that of {_and(differing)}, whose core structs differ;"
            " the release does not show which it is"
        )
    if how == OLDER:
        if all(other.sublevel < r.sublevel for other in keys if _of_kmi(other, r)):
            yield f"no BTF of {r.branch} is newer; what moved after {k.sublevel} is not known"
        yield (
            "structs that are private to a driver or a file system (f2fs, ext4, io_uring, USB"
            " gadgets …) may have moved; those of the KMI (task_struct, file, sock …) must not"
        )


def _of_kmi(k: Key, r: Release) -> bool:
    return (k.version, k.android, k.kmi) == (r.version, r.android, r.kmi)


def _why_nothing(r: Release, keys: Sequence[Key]) -> tuple[str, str]:
    """Return the reason and the next step."""
    branch = gki.branch(r.branch)
    step = (
        "nothing has to be embedded where the device has /sys/kernel/btf/vmlinux"
        f"{f' (kernels of {r.branch} normally do)' if branch.kernel_btf else ''}; elsewhere embed"
        " the kernel's own BTF: ./dev btfhub encode makes it from the vmlinux"
    )
    if not r.android:
        reason = (
            "the release names no Android branch (as -android12-9- does): it is older than GKI or"
            " a vendor's own, and no BTF is named by it or is of its commit"
        )
        return reason, step
    if branch.kmi not in (-1, r.kmi):
        reason = (
            f"{r.branch} is frozen as KMI generation {branch.kmi}; this kernel is of generation"
            f" {r.kmi}, whose structs may differ"
        )
        return reason, step
    same = [k for k in keys if _of_kmi(k, r)]
    usable = [k.sublevel for k in same if not k.exact_only and k.sublevel >= 0]
    if usable:
        reason = (
            f"sublevel {r.sublevel} is older than every BTF of {r.branch}, KMI generation {r.kmi};"
            f" the oldest is of {min(usable)}"
        )
    elif same:
        reason = (
            f"{_and([k.name for k in same])} fits a kernel by its build or its release alone, and"
            " this one's is another"
        )
    else:
        reason = f"there is no BTF of {r.branch}, KMI generation {r.kmi}"
    return reason, step


def _and(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
