"""Which BTF fits a kernel: never a wrong one, and always the best of those that do."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from base.errors import DroidbpfError
from btfhub import gki, lock
from btfhub.__main__ import LOCK
from btfhub.match import Key, key, rank, ranked, resolve
from btfhub.names import parse_name, parse_release

HUB = [key(parse_name(name)) for name in lock.load(LOCK).files]
A12 = [k for k in HUB if k.android == 12]


def keys(*names: str) -> list[Key]:
    return [key(parse_name(name)) for name in names]


def best(release: str, among: Iterable[Key] = HUB) -> tuple[str, str]:
    """Return the name and the confidence of what fits; "" where nothing does."""
    found = resolve(parse_release(release), list(among))
    return found.key.name if found.key else "", found.confidence


# Every real release that is known to us, and what is right for it.
@pytest.mark.parametrize(
    ("release", "name", "confidence"),
    [
        ("5.10.43-android12-9-00007-g9771767708df-ab8009062", "a12-5.10-2021-10", "sublevel"),
        ("5.10.198-android12-9-00019-g6efebf1322d6-ab11471183", "a12-5.10-2023-04", "older"),
        ("5.10.198-android13-4-00050-g12f3388846c3-ab11920634", "a13-5.10-2023-04", "older"),
        ("5.10.168-android12-9-00001-g81e7418c6466-ab104…", "a12-5.10-2023-04", "sublevel"),
        ("5.10.43-android12-6-00231-g54e7412d4ff9-ab7460289", "", "none"),
        ("5.10.35-android12-4-…", "", "none"),
        ("5.10.21-android12-0-…", "", "none"),
        ("5.10.102-android13-0-…", "", "none"),
        ("6.1.134-android14-11-o…", "", "none"),
        ("5.10.252-gki-xaga/f388d74f", "", "none"),
        ("5.10.107", "", "none"),
        ("4.19.157-perf-g42d3…", "", "none"),
        ("4.9.270-g862f51bac900-ab7613625", "", "none"),
        ("5.10.110-34-rockchip-gca15bbe36e6c", "", "none"),
        ("5.10.66-1-rockchip-gf9d1b1529abc", "rock5b-5.10-f9d1b1529", "exact"),
        ("6.6.77-android15-8-4k", "", "none"),
    ],
)
def test_a_real_kernel_gets_what_is_right_for_it(release: str, name: str, confidence: str) -> None:
    assert best(release) == (name, confidence)


def test_each_month_of_the_hub_is_found_by_each_of_its_builds() -> None:
    counted = 0
    for name in ("android12-5.10", "android13-5.10"):
        branch = gki.branch(name)
        for month, builds in branch.builds.items():
            at = f"{name.replace('android', 'a')}-{month}"
            for build in builds if at in {k.name for k in HUB} else ():
                release = f"5.10.{branch.months[month]}-{name[:9]}-{branch.kmi}-00001-ab{build}"
                assert best(release) == (at, "exact")
                counted += 1
    assert counted == 22


def test_each_sublevel_gets_its_latest_month_or_the_nearest_older() -> None:
    for name in ("android12-5.10", "android13-5.10"):
        branch = gki.branch(name)
        months = {
            k.name[-7:]: k.sublevel
            for k in HUB
            if k.month and k.name.startswith(name.replace("android", "a")) and not k.exact_only
        }
        for sublevel in range(300):
            older = [(its, month) for month, its in months.items() if its <= sublevel]
            release = f"5.10.{sublevel}-{name[:9]}-{branch.kmi}"
            if not older:
                assert best(release) == ("", "none")
                continue
            its, month = max(older)
            confidence = "sublevel" if its == sublevel else "older"
            assert best(release) == (f"{name.replace('android', 'a')}-{month}", confidence)


@pytest.mark.parametrize("kmi", [0, 4, 6, 8, 10, 11])
def test_another_generation_of_the_kmi_gets_nothing(kmi: int) -> None:
    assert best(f"5.10.101-android12-{kmi}", A12) == ("", "none")
    assert best(f"5.10.101-android12-{kmi}-00004-g0123456789ab-ab8602202", A12) == ("", "none")


def test_android13_never_gets_a_btf_of_android12_of_the_same_sublevel() -> None:
    for sublevel in {k.sublevel for k in A12}:
        for kmi in (4, 9):
            assert best(f"5.10.{sublevel}-android13-{kmi}", A12) == ("", "none")
            assert best(f"5.15.{sublevel}-android12-{kmi}", A12) == ("", "none")


def test_2021_09_fits_its_own_builds_alone() -> None:
    only = keys("a12-5.10-2021-09")
    for sublevel in (43, 44, 66, 168):
        assert best(f"5.10.{sublevel}-android12-9", only) == ("", "none")
    assert best("5.10.43-android12-9-ab7792588", only) == ("a12-5.10-2021-09", "exact")


def test_a_newer_btf_is_never_taken() -> None:
    assert best("5.10.42-android12-9") == ("", "none")
    assert best("5.10.80-android12-9", keys("a12-5.10-2022-02")) == ("", "none")


def test_build_ids_are_equal_or_tell_nothing() -> None:
    # 8828032 is a later build of 2021-11; ids in between are of other months.
    assert best("5.10.66-android12-9-ab8828032") == ("a12-5.10-2021-11", "exact")
    assert best("5.10.66-android12-9-ab8828031") == ("a12-5.10-2022-01", "sublevel")
    assert best("5.10.66-android12-9-ab882803") == ("a12-5.10-2022-01", "sublevel")


OWN = "5.10.110-android12-9-00005-g0123456789abcdef-ab9000000-vendor"


def test_a_btf_named_by_the_release_goes_before_all() -> None:
    among = [*HUB, *keys(OWN)]
    assert best(OWN, among) == (OWN, "exact")
    other = OWN.replace("vendor", "other")
    assert rank(among[-1], parse_release(other)) == 3  # by build and commit
    assert best(other, among) == (OWN, "exact")
    # Of one sublevel, too, it is of a kernel that somebody has; a month is of Google's.
    assert best("5.10.110-android12-9", among) == (OWN, "sublevel")
    assert best("5.10.111-android12-9", among) == (OWN, "older")
    assert best("5.10.117-android12-9", among) == ("a12-5.10-2022-09", "sublevel")


@pytest.mark.parametrize(
    "name", ["5.10.43-android12-6-00231", "6.12.30-android16-5", "6.1.0-18-arm64", "5.10.107"]
)
def test_without_a_frozen_kmi_a_release_fits_itself_alone(name: str) -> None:
    among = keys(name)
    assert best(name, among) == (name, "exact")
    assert best(name + "-x", among) == ("", "none")


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("f9d1b1529", "f9d1b1529abc", True),
        ("f9d1b1529abc", "f9d1b1529", True),
        ("f9d1b15", "f9d1b15", True),
        ("f9d1b1529", "f9d1b1528abc", False),
        ("f9d1b1", "f9d1b1529abc", False),  # too short to tell anything
        ("", "f9d1b1529abc", False),
        ("f9d1b1529", "", False),
    ],
)
def test_a_commit_fits_by_a_prefix_of_seven_digits(mine: str, theirs: str, expected: bool) -> None:
    release = parse_release("5.10.66" + (f"-g{theirs}" if theirs else ""))
    assert bool(rank(Key("x", "5.10", commit=mine), release)) == expected
    assert not rank(Key("x", "5.15", commit=mine), release)


def test_ties_go_by_release_month_and_name_whatever_the_order() -> None:
    base = Key("m", "5.10", 12, 9, 101, 202204)
    own = base._replace(name="z", month=0, release="5.10.101-android12-9-z")
    expected = [
        own,
        base._replace(name="late", month=202205),
        base,
        base._replace(name="a", month=0),
        base._replace(name="b", month=0),
        base._replace(name="older", sublevel=100, month=202301),
    ]
    release = parse_release("5.10.101-android12-9")
    for order in itertools.permutations(expected):
        assert [k for _, k in ranked(release, order)] == expected


def test_lts_and_tip_stand_behind_the_month_that_they_stand_for() -> None:
    for android, kmi in ((12, 9), (13, 4)):
        release = f"5.10.168-android{android}-{kmi}"
        names = [k.name for _, k in ranked(parse_release(release), HUB)]
        assert names[:3] == [
            f"a{android}-5.10-2023-04", f"a{android}-5.10", f"a{android}-5.10-lts"
        ]  # fmt: skip
        lts = keys(f"a{android}-5.10-lts")
        assert best(release, lts) == (f"a{android}-5.10-lts", "sublevel")
        assert best(release.replace("168", "160"), lts) == ("", "none")


def test_a_month_that_is_not_in_the_table_fits_nothing() -> None:
    assert best("5.10.101-android12-9", keys("a12-5.10-2030-01")) == ("", "none")


def test_every_pair_of_a_key_and_a_release_has_a_rank() -> None:
    releases = [
        f"{version}.{sublevel}{android}{tail}"
        for version in ("5.10", "6.1")
        for sublevel in (0, 43, 168, 999_999_999)
        for android in ("", "-android12-9", "-android13-4", "-android99-0")
        for tail in ("", "-gf9d1b1529", "-ab7792588", "-00001-g0123456-dirty-abP1-x")
    ]
    for text in releases:
        release = parse_release(text)
        found = ranked(release, HUB)
        assert [how for how, _ in found] == sorted((how for how, _ in found), reverse=True)
        assert {k for _, k in found} == {k for k in HUB if rank(k, release)}
        match = resolve(release, HUB)
        assert match.reason
        assert (match.key is None) == (not found)


def test_no_keys_at_all_fit_nothing() -> None:
    assert best("5.10.101-android12-9", []) == ("", "none")
    with pytest.raises(DroidbpfError):
        best("")
