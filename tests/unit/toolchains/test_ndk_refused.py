"""What is said of an NDK that will not do, and of an API level that it has not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_ndk import NAME_ONE, PREBUILT, find, refusal, small_ndk
from small_programs import program


@pytest.mark.parametrize(
    ("revision", "name"), [("22.1.7171670", "r22b"), ("21.4.7075529", "r21e"), ("10.0.1", "r10")]
)
def test_older_ndk_is_refused_with_the_reason(tmp_path: Path, revision: str, name: str) -> None:
    folder = small_ndk(tmp_path / "ndk", f"Pkg.Revision = {revision}")
    assert refusal(folder) == (
        f"error: NDK {name} in {folder} is too old: before r23 its clang links with libgcc and GNU"
        f" tools\nhint: {NAME_ONE}"
    )


@pytest.mark.parametrize("properties", ["", "Pkg.Revision =", "Pkg.Revision = new"])
def test_source_properties_without_a_revision_are_refused(tmp_path: Path, properties: str) -> None:
    folder = small_ndk(tmp_path / "ndk", properties)
    assert refusal(folder) == (
        f"error: ndk={folder} is no NDK: its source.properties has no Pkg.Revision like"
        f" 27.2.12479018\nhint: {NAME_ONE}"
    )


def test_api_is_31_or_the_newest_there_is(tmp_path: Path) -> None:
    for newest in (30, 31, 36):
        folder = small_ndk(tmp_path / str(newest), levels=tuple(range(21, newest + 1)))
        assert find(folder).cc[1] == f"--target=aarch64-linux-android{min(31, newest)}"


def test_level_without_a_folder_is_that_of_the_next_lower_one(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk")
    for asked, level in (("24", 24), ("25", 24), ("26", 26), ("35", 35)):
        assert find(folder, api=asked).cc[1] == f"--target=aarch64-linux-android{level}"


@pytest.mark.parametrize(
    ("levels", "api", "low", "high"),
    [
        (range(21, 36), "23", 24, 35),
        (range(21, 36), "36", 24, 35),
        (range(16, 32), "21", 24, 31),
        (range(26, 36), "24", 26, 35),
        (range(21, 36), "0", 24, 35),
    ],
)
def test_level_out_of_range_is_refused_with_the_range(
    tmp_path: Path, levels: range, api: str, low: int, high: int
) -> None:
    folder = small_ndk(tmp_path / "ndk", levels=tuple(levels))
    newer = ', or take a newer NDK: sdkmanager "ndk;…"' if int(api) > high else ""
    assert refusal(folder, api=api) == (
        f"error: api={api} is none of NDK r27c, which has {low} to {high} for arm64\n"
        f"hint: give api={low} to api={high}{newer}"
    )


@pytest.mark.parametrize("api", ["S", "9" * 5000, "-31", "31.0", "٣١", " 31"])
def test_api_that_is_no_number_is_refused(tmp_path: Path, api: str) -> None:
    assert refusal(small_ndk(tmp_path / "ndk"), api=api) == (
        f"error: api={api} is no API level, which is a number\n"
        "hint: NDK r27c has 24 to 35 for arm64"
    )


@pytest.mark.parametrize(
    "part",
    [
        *(f"bin/{name}" for name in ("clang", "clang++", "llvm-ar", "llvm-objcopy", "ld.lld")),
        "sysroot/usr/lib/aarch64-linux-android/libc.a",
    ],
)
def test_missing_part_is_reported(tmp_path: Path, part: str) -> None:
    folder = small_ndk(tmp_path / "ndk")
    (folder / PREBUILT / part).unlink()
    assert refusal(folder) == (
        f"error: NDK r27c in {folder} lacks {PREBUILT}/{part}\n"
        'hint: install it again: sdkmanager "ndk;27.2.12479018", or name another: ndk=PATH'
    )


def test_ndk_without_any_level_is_reported(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk", levels=())
    assert refusal(folder).startswith(
        f"error: NDK r27c in {folder} has no API level in"
        f" {PREBUILT}/sysroot/usr/lib/aarch64-linux-android\nhint: install it again: "
    )


def test_ndk_of_another_system_is_reported_with_what_was_looked_for(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk")
    (folder / PREBUILT).rename((folder / PREBUILT).with_name("darwin-x86_64"))
    assert refusal(folder) == (
        f"error: NDK r27c in {folder} is not for Linux: it has no {PREBUILT}"
        f" (there is darwin-x86_64)\nhint: {NAME_ONE}"
    )


def test_clang_that_does_not_run_here_is_reported(tmp_path: Path) -> None:
    folder = small_ndk(tmp_path / "ndk")
    clang = program(folder / PREBUILT / "bin", "clang", "exit 126")
    assert refusal(folder) == (
        f"error: {clang} does not run on this machine ({os.uname().machine})\n"
        "hint: NDKs are for x86_64 Linux; others: toolchain=gnu, musl or zig"
    )
