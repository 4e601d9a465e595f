"""Kernel releases and names of hub files, as they are in the wild."""

from __future__ import annotations

import random
import string

import pytest

from base.errors import DroidbpfError
from btfhub import lock
from btfhub.__main__ import LOCK
from btfhub.names import HubName, Release, parse_name, parse_release

# … stands where the one who reported a release cut it off.
SEEN = [
    Release(
        "5.10.43-android12-9-00007-g9771767708df-ab8009062",
        "5.10", 43, 12, 9, 7, "9771767708df", "8009062",
    ),
    Release(
        "5.10.198-android12-9-00019-g6efebf1322d6-ab11471183",
        "5.10", 198, 12, 9, 19, "6efebf1322d6", "11471183",
    ),
    Release(
        "5.10.198-android13-4-00050-g12f3388846c3-ab11920634",
        "5.10", 198, 13, 4, 50, "12f3388846c3", "11920634",
    ),
    Release(
        "5.10.168-android12-9-00001-g81e7418c6466-ab104…",
        "5.10", 168, 12, 9, 1, "81e7418c6466", "104", "…",
    ),
    Release(
        "5.10.43-android12-6-00231-g54e7412d4ff9-ab7460289",
        "5.10", 43, 12, 6, 231, "54e7412d4ff9", "7460289",
    ),
    Release("5.10.35-android12-4-…", "5.10", 35, 12, 4, rest="-…"),
    Release("5.10.21-android12-0-…", "5.10", 21, 12, 0, rest="-…"),
    Release("5.10.102-android13-0-…", "5.10", 102, 13, 0, rest="-…"),
    Release("6.1.134-android14-11-o…", "6.1", 134, 14, 11, rest="-o…"),
    Release("5.10.252-gki-xaga/f388d74f", "5.10", 252, rest="-gki-xaga/f388d74f"),
    Release("5.10.107", "5.10", 107),
    Release("4.19.157-perf-g42d3…", "4.19", 157, rest="-perf-g42d3…"),
    Release(
        "4.9.270-g862f51bac900-ab7613625", "4.9", 270, commit="862f51bac900", build="7613625"
    ),
    Release(
        "5.10.110-34-rockchip-gca15bbe36e6c", "5.10", 110, commit="ca15bbe36e6c",
        rest="-34-rockchip",
    ),
    Release(
        "6.12.38-android16-5-g844001fb8721-ab14552068-4k", "6.12", 38, 16, 5,
        commit="844001fb8721", build="14552068", rest="-4k",
    ),
    Release(
        "6.12.23-android16-5-g16e473de48a3-abogki462654244-4k", "6.12", 23, 16, 5,
        commit="16e473de48a3", rest="-abogki462654244-4k",
    ),
    Release("6.12.30-android16-5-maybe-dirty-4k", "6.12", 30, 16, 5, rest="-maybe-dirty-4k"),
    Release("5.10.223-android12-9-nobtf", "5.10", 223, 12, 9, rest="-nobtf"),
]  # fmt: skip

MADE = [
    Release("5.10.1-android12-9-00000-g0123456-dirty-abP123", "5.10", 1, 12, 9, 0, "0123456",
            "P123", "-dirty"),
    Release("5.10.1-android12-9+", "5.10", 1, 12, 9, rest="+"),
    Release("5.10.1-android12", "5.10", 1, rest="-android12"),
    Release("5.10.1-android12-", "5.10", 1, rest="-android12-"),
    Release("5.10.1-android12-9x", "5.10", 1, rest="-android12-9x"),
    Release("5.10.1-android0-9", "5.10", 1),
    Release("5.10.1-android12-1000000000", "5.10", 1, rest="-android12-1000000000"),
    Release("5.10.1-android12-9-000041", "5.10", 1, 12, 9, rest="-000041"),
    Release("5.10.1-g012345", "5.10", 1, rest="-g012345"),
    Release("5.10.1-g" + "a" * 41, "5.10", 1, rest="-g" + "a" * 41),
    Release("5.10.1-gABCDEF0", "5.10", 1, rest="-gABCDEF0"),
    Release("5.10.1-ab12c", "5.10", 1, rest="-ab12c"),
    Release("5.10.999999999", "5.10", 999_999_999),
    Release("5.10.1-酷", "5.10", 1, rest="-酷"),
]  # fmt: skip

HOSTILE = [
    "", " ", "5", "5.10", "5.10.", "5.10.x", "v5.10.1", "-5.10.1", " 5.10.1", "5..1", ".5.10.1",
    "5.10.100000000000000000000", "5.1000000000.1", "5.10.1\n", "5.10.1\n-android12-9",
    "5.10.1\0", "5.10.1\x1b[31m", "\uff15.10.1", "5.10.\u0661", "5.10.1\udcff", "\udcff",
    "5.10.1\u2028",
    "5.10.1-" + "a" * 58, "5.10.1-" + "酷" * 20, "5.10." + "1" * 10_000_000,
]  # fmt: skip


def ids(cases: list[Release]) -> list[str]:
    return [case.text for case in cases]


@pytest.mark.parametrize("release", SEEN, ids=ids(SEEN))
def test_a_release_of_a_real_kernel_is_taken_apart(release: Release) -> None:
    assert parse_release(release.text) == release


@pytest.mark.parametrize("release", MADE, ids=ids(MADE))
def test_what_is_not_quite_a_part_is_left_in_the_rest(release: Release) -> None:
    assert parse_release(release.text) == release


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_what_is_no_release_is_refused_in_one_short_printable_line(text: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        parse_release(text)
    message = failure.value.message
    assert message.endswith(" is not a kernel release")
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 600
    assert "adb shell uname -r" in failure.value.hint


def test_branch_is_of_the_android_part() -> None:
    assert parse_release("5.10.43-android12-9").branch == "android12-5.10"
    assert parse_release("5.10.43").branch == ""


def test_leading_zeros_do_not_make_another_version() -> None:
    release = parse_release("05.010.0043-android012-09")
    assert (release.version, release.sublevel, release.android, release.kmi) == ("5.10", 43, 12, 9)


def test_nothing_but_a_clear_refusal_comes_of_noise() -> None:
    noise = random.Random(3)
    parts = [*string.printable, "5.10.", "-android12-9", "-g0123456", "-ab1", "\0", "é", "\udc80"]
    for _ in range(20_000):
        text = "".join(noise.choices(parts, k=noise.randrange(12)))
        if noise.random() < 0.5:
            text = f"5.10.43-android12-9{text}"
        try:
            release = parse_release(text)
        except DroidbpfError:
            continue
        assert release.text == text
        commit = f"-g{release.commit}" if release.commit else ""
        build = f"-ab{release.build}" if release.build else ""
        commits = f"-{release.commits:05}" if release.commits >= 0 else ""
        assert commit in text
        assert build in text
        left = text.removesuffix(release.rest) if not commit + build else text
        assert len(left) >= len("0.0.0" + commits + commit + build)
        for value in release:
            assert not isinstance(value, int) or -1 <= value < 10**9


NAMES = [
    ("a12-5.10-2022-05", HubName("a12-5.10-2022-05", "android12-5.10", "month", "2022-05")),
    ("a13-5.10-lts", HubName("a13-5.10-lts", "android13-5.10", "lts")),
    ("a12-5.10", HubName("a12-5.10", "android12-5.10", "tip")),
    ("rock5b-5.10-f9d1b1529", HubName("rock5b-5.10-f9d1b1529", "rock5b", "vendor")),
    ("5.10.223-android12-9-nobtf", HubName("5.10.223-android12-9-nobtf", "", "release")),
]


@pytest.mark.parametrize("folder", ["", "common-android12-5.10/", "/tmp/a b/"])
@pytest.mark.parametrize("ending", ["", "-arm64", ".btf", "-arm64.btf", "-arm64.btf.tar.xz"])
@pytest.mark.parametrize(("name", "expected"), NAMES, ids=[name for name, _ in NAMES])
def test_a_hub_file_is_known_by_its_name(
    name: str, expected: HubName, ending: str, folder: str
) -> None:
    assert parse_name(folder + name + ending) == expected


@pytest.mark.parametrize(
    ("path", "release"),
    [
        ("ubuntu/20.04/arm64/5.4.0-1029-aws.btf.tar.xz", "5.4.0-1029-aws"),
        # Debian's releases end in -arm64 themselves.
        ("debian/12/arm64/6.1.0-18-arm64.btf.tar.xz", "6.1.0-18-arm64"),
        ("centos/8/x86_64/4.18.0-80.el8.x86_64.btf", "4.18.0-80.el8.x86_64"),
    ],
)
def test_a_file_of_btfhub_archive_is_known_by_its_release(path: str, release: str) -> None:
    assert parse_name(path) == HubName(release, "", "release")


def test_every_name_of_the_lock_is_known() -> None:
    files = lock.load(LOCK).files
    assert len(files) >= 38
    for file in files.values():
        by_name = parse_name(file.name)
        assert by_name == parse_name(file.path)
        assert (by_name.name, by_name.branch, by_name.month) == (file.name, file.branch, file.month)


@pytest.mark.parametrize(
    "name",
    [
        "", "vmlinux", "vmlinux.btf", "a12", "a12-5.10-2022", "a12-5.10-2022-13", "a12-5.10-LTS",
        "a0-5.10", "a12-5.10-2022-05-x86", "rock5b-5.10-xyz", "rock5b-5.10-f9d1b", "a12-5.10/",
        "a12-5.10\n", "A12-5.10", "a\uff112-5.10", "a12-5.10-2022-05.tar.xz", "x" * 10_000_000,
    ],
    ids=lambda name: ascii(name[:40]),
)  # fmt: skip
def test_a_name_that_shows_no_kernel_is_refused(name: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        parse_name(name)
    assert failure.value.message.endswith(" is not named after a kernel")
    assert failure.value.message.isascii()
    assert len(failure.value.message) < 300
    assert "uname -r" in failure.value.hint
