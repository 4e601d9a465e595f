"""A static program that asks only for local time gets the phone's, whatever the phone's age.

One boot runs all cases; each test looks at some.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import guests
import pytest
import timezone_files as files

from vm import initramfs, machine

RUNTIME = guests.ROOT / "btfhub/runtime"
WINTER, SUMMER = 1736942400, 1752580800  # 12:00 UTC of 2025-01-15 and of 2025-07-15
UTC = "2025-01-15 12:00:00 UTC\n2025-07-15 12:00:00 UTC\n"
USER = f"/bin/user {WINTER} {SUMMER}"
MODULE = "/apex/com.android.tzdata/etc/tz/tzdata"
SYSTEM = "/system/usr/share/zoneinfo/tzdata"


def modern(zone: str) -> dict[str, bytes]:
    """Return the files of a phone with Android 12 or newer."""
    others = {f"/dev/__properties__/u:object_r:p{i}_prop:s0": files.properties("") for i in "ab"}
    area = {f"/dev/__properties__/{files.CONTEXT}": files.properties(zone)}
    return {**others, **area, MODULE: files.bundle(files.rules())}


def old(zone: str) -> dict[str, bytes]:
    """Return the files of a phone with Android 6 or older."""
    area = files.properties(zone, backup=False)
    return {"/dev/__properties__": area, SYSTEM: files.bundle(files.rules())}


PHONES = {
    "shanghai": modern("Asia/Shanghai"),
    "new_york": modern("America/New_York"),
    "tehran": modern("Asia/Tehran"),
    "nuuk": modern("America/Nuuk"),
    "old": old("Europe/Dublin"),
    "box": modern("GMT+08:00"),
    "unknown": modern("Mars/Olympus_Mons"),
    "no_bundle": {k: v for k, v in modern("Asia/Shanghai").items() if k != MODULE},
    "none": {"/placeholder": b""},
}
CASES = {
    **{name: (name, USER) for name in PHONES},
    "user's": ("shanghai", f"TZ=JST-9 {USER}"),
    "user's UTC": ("shanghai", f"TZ= {USER}"),
    "not linked": ("shanghai", USER.replace("user", "without")),
    "own file": ("shanghai", f"touch /etc/localtime; {USER}; rm /etc/localtime"),
}


def program(folder: Path, name: str, *flags: str) -> Path:
    """Link a .c file of this folder with the runtime, as the build does."""
    gcc = ["aarch64-linux-gnu-gcc", "-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror"]
    gcc += ["-ffunction-sections"]
    objects = []
    for source in sorted(RUNTIME.glob("timezone*.c")):
        objects.append(folder / f"{source.stem}.o")
        subprocess.run([*gcc, "-c", source, "-o", objects[-1]], check=True)
    archive = folder / "libdroidbpf.a"
    subprocess.run(["aarch64-linux-gnu-ar", "rcs", archive, *objects], check=True)
    made = folder / name
    link = [*gcc, "-static", "-Wl,--gc-sections", *flags]
    subprocess.run([*link, guests.HERE / "timezone_user.c", archive, "-o", made], check=True)
    return made


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each case printed; none had anything to say on stderr."""
    guests.need("qemu-system-aarch64", "aarch64-linux-gnu-gcc")
    folder = tmp_path_factory.mktemp("timezone")
    given: dict[str, initramfs.FileSource] = {
        "/bin/user": program(folder, "user", "-Wl,-u,droidbpf_timezone"),
        "/bin/without": program(folder, "without"),
        **{f"/phones/{phone}{k}": v for phone, made in PHONES.items() for k, v in made.items()},
    }
    commands = [
        ["sh", "-c", f"rm -rf /dev/__properties__ /apex /system; cp -r /phones/{phone}/. /; {line}"]
        for phone, line in CASES.values()
    ]
    results = machine.run(guests.kernel("5.10"), commands, given, timeout_s=120)
    for result in results.commands:
        assert (result.status, result.stderr) == (0, b"")
    return {
        name: result.stdout.decode() for name, result in zip(CASES, results.commands, strict=True)
    }


def test_a_program_shows_the_phones_time(said: dict[str, str]) -> None:
    assert said["shanghai"] == "2025-01-15 20:00:00 CST\n2025-07-15 20:00:00 CST\n"
    assert said["tehran"] == "2025-01-15 15:30:00 +0330\n2025-07-15 15:30:00 +0330\n"


def test_summer_time_begins_and_ends(said: dict[str, str]) -> None:
    assert said["new_york"] == "2025-01-15 07:00:00 EST\n2025-07-15 08:00:00 EDT\n"
    assert said["nuuk"] == "2025-01-15 10:00:00 -02\n2025-07-15 11:00:00 -01\n"
    assert said["old"] == "2025-01-15 12:00:00 GMT\n2025-07-15 13:00:00 IST\n"


def test_javas_offsets_are_turned_round(said: dict[str, str]) -> None:
    assert said["box"] == "2025-01-15 20:00:00 GMT\n2025-07-15 20:00:00 GMT\n"


def test_what_the_user_has_set_stays(said: dict[str, str]) -> None:
    assert said["user's"] == "2025-01-15 21:00:00 JST\n2025-07-15 21:00:00 JST\n"
    assert said["user's UTC"] == UTC.replace("UTC", "Universal")  # the name that glibc gives it


@pytest.mark.parametrize("case", ["unknown", "no_bundle", "none", "own file", "not linked"])
def test_utc_is_shown_without_a_word_where_no_zone_is_known(
    said: dict[str, str], case: str
) -> None:
    assert said[case] == UTC
