"""What btfhub/runtime finds of the time zone on phones of all ages, and that no damage harms."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import time
import zoneinfo
from collections.abc import Mapping
from pathlib import Path

import pytest
import timezone_files as files

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "dev/__properties__"
APEX = "apex/com.android.tzdata/etc/tz"
NEW_YORK = files.RULES["America/New_York"]
NONE = "(none)"
# These change by the moon: their rules do not tell when.
IRREGULAR = {"Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza", "Asia/Hebron"}
Phone = Mapping[str, bytes]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of timezone_driver.c, for which the working folder is the phone."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    program = tmp_path_factory.mktemp("timezone") / "driver"
    command = ["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    command += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += ['-DDROIDBPF_ROOT="."', f"-I{ROOT / 'btfhub/runtime'}"]
    source = ROOT / "tests/unit/btfhub/timezone_driver.c"
    subprocess.run([*command, source, "-o", program], check=True)
    return program


def run(driver: Path, phone: Path, *arguments: str, given: str = "", **env: str) -> str:
    """Return the driver's answer about a phone; the sanitizers report nothing."""
    done = subprocess.run(
        [driver, *arguments], cwd=phone, input=given, env=env, text=True, capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def shown(driver: Path, root: Path, phone: Phone, **env: str) -> str:
    files.write(root, phone)
    return run(driver, root, "show", **env).strip()


def phone(zone: str = "America/New_York", **other: bytes) -> dict[str, bytes]:
    """Return the files of a phone with Android 12 or newer."""
    return {
        f"{FOLDER}/u:object_r:default_prop:s0": files.properties(""),
        f"{FOLDER}/{files.CONTEXT}": files.properties(zone),
        f"{APEX}/tzdata": files.bundle(files.rules()),
        **other,
    }


def in_context(file: str) -> dict[str, bytes]:
    return {**phone(), f"{FOLDER}/{files.CONTEXT}": b"", file: files.properties("Asia/Tehran")}


def with_bundle(path: str) -> dict[str, bytes]:
    made = phone()
    made[path] = made.pop(f"{APEX}/tzdata")
    return made


@pytest.mark.parametrize(("zone", "rule"), files.RULES.items())
def test_the_rule_is_set_as_the_bundle_has_it(
    driver: Path, tmp_path: Path, zone: str, rule: str
) -> None:
    assert shown(driver, tmp_path, phone(zone)) == rule


def test_properties_are_found_in_one_file_of_an_old_phone(driver: Path, tmp_path: Path) -> None:
    old = {
        "dev/__properties__": files.properties("Europe/Dublin", backup=False),
        "system/usr/share/zoneinfo/tzdata": files.bundle(files.rules()),
    }
    assert shown(driver, tmp_path, old) == files.RULES["Europe/Dublin"]


@pytest.mark.parametrize(
    "context",
    [
        "u:object_r:exported_system_prop:s0",
        "u:object_r:system_prop:s0",
        "u:object_r:vendor_of_a_phone_that_keeps_its_zone_elsewhere:s0",
    ],
)
def test_the_property_is_found_in_any_context(driver: Path, tmp_path: Path, context: str) -> None:
    (tmp_path / FOLDER / "appcompat_override").mkdir(parents=True)
    made = {**in_context(f"{FOLDER}/{context}"), f"{FOLDER}/property_info": bytes(1000)}
    assert shown(driver, tmp_path, made) == files.RULES["Asia/Tehran"]


def test_every_order_of_properties_is_searched(driver: Path, tmp_path: Path) -> None:
    names = list(files.PROPERTIES)
    for turn in range(len(names)):
        others = {name: files.PROPERTIES[name] for name in names[turn:] + names[:turn]}
        made = {f"{FOLDER}/{files.CONTEXT}": files.properties("Asia/Shanghai", others)}
        assert shown(driver, tmp_path, {**phone(), **made}) == "CST-8"


@pytest.mark.parametrize(
    "path",
    [
        f"{APEX}/versioned/8/tzdata",
        f"{APEX}/versioned/10/tzdata",
        "apex/com.android.runtime/etc/tz/tzdata",
        "data/misc/zoneinfo/current/tzdata",
        "system/usr/share/zoneinfo/tzdata",
    ],
)
def test_the_bundle_is_found_in_every_place_of_android(
    driver: Path, tmp_path: Path, path: str
) -> None:
    assert shown(driver, tmp_path, with_bundle(path)) == NEW_YORK


def test_a_damaged_bundle_gives_way_to_the_next(driver: Path, tmp_path: Path) -> None:
    made = with_bundle("system/usr/share/zoneinfo/tzdata")
    made[f"{APEX}/tzdata"] = b"tzdata2025b\0" + b"\xff" * 12
    assert shown(driver, tmp_path, made) == NEW_YORK


def test_the_users_zone_stays(driver: Path, tmp_path: Path) -> None:
    assert shown(driver, tmp_path, phone(), TZ="JST-9") == "JST-9"
    assert shown(driver, tmp_path, phone(), TZ="") == ""


def test_a_linux_with_a_zone_of_its_own_keeps_it(driver: Path, tmp_path: Path) -> None:
    assert shown(driver, tmp_path, {**phone(), "etc/localtime": files.tzif("UTC0")}) == NONE


@pytest.mark.parametrize(
    ("zone", "rule"),
    [
        ("GMT+08:00", "GMT-08:00"),
        ("GMT-3", "GMT+3"),
        ("GMT+8;x", NONE),
        ("GMTx", NONE),
        ("Mars/Olympus_Mons", NONE),
        ("asia/shanghai", NONE),
        ("Asia/Shangha", NONE),
        ("../../../etc/passwd", NONE),
        ("x" * 91, NONE),
        ("", NONE),
    ],
)
def test_only_zones_that_there_are_are_set(
    driver: Path, tmp_path: Path, zone: str, rule: str
) -> None:
    assert shown(driver, tmp_path, phone(zone)) == rule


def test_what_is_no_phone_or_has_no_bundle_is_left_alone(driver: Path, tmp_path: Path) -> None:
    assert shown(driver, tmp_path, {}) == NONE
    made = phone()
    del made[f"{APEX}/tzdata"]
    assert shown(driver, tmp_path, made) == NONE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        files.tzif("CST-8", version=b"\0")[:60],  # of the first version: it ends before the rule
        files.tzif(""),
        files.tzif("CST-8")[:-1],
        files.tzif("A" * 64),
        files.tzif("CST-8").replace(b"TZif", b"TZlf"),
        files.tzif("CST-8", [(number, 0) for number in range(1500)]),  # more than 16 KiB
    ],
)
def test_a_zone_without_a_rule_shows_utc(driver: Path, tmp_path: Path, data: bytes) -> None:
    made = phone("Asia/Shanghai")
    made[f"{APEX}/tzdata"] = files.bundle({"Asia/Shanghai": data})
    assert shown(driver, tmp_path, made) == NONE


@pytest.mark.parametrize(
    ("utoff", "rule"),
    [
        (0, "<+0000>-0:00:00"),
        (19800, "<+0530>-5:30:00"),
        (-12601, "<-0330>+3:30:01"),
        (3600, "<+01>-1"),  # as the rule has it
        (-(1 << 31), "<+01>-1"),
        (90000, "<+01>-1"),  # more than a day
    ],
)
def test_until_a_change_that_the_rule_does_not_know_of_the_zone_is_as_now(
    driver: Path, tmp_path: Path, utoff: int, rule: str
) -> None:
    today = int(time.time())
    made = phone("Africa/Casablanca")
    zone = files.tzif("<+01>-1", [(0, 3600), (today - 86400, utoff), (today + 86400, 3600)])
    made[f"{APEX}/tzdata"] = files.bundle({"Africa/Casablanca": zone})
    assert shown(driver, tmp_path, made) == rule


def test_all_zones_of_this_machine_show_the_right_time(driver: Path, tmp_path: Path) -> None:
    names = sorted(name for name in zoneinfo.available_timezones() if len(name) < 40)
    place = next((Path(path) for path in zoneinfo.TZPATH if Path(path).is_dir()), None)
    if not place or not (names := [name for name in names if (place / name).is_file()]):
        pytest.skip("the package tzdata is not installed")
    zones = {name: (place / name).read_bytes() for name in names}
    files.write(tmp_path, {f"{APEX}/tzdata": files.bundle(zones)})
    times = [
        int(datetime.datetime(year, month, 14, 12, tzinfo=datetime.UTC).timestamp())
        for year in (2025, 2026, 2030, 2040)
        for month in (1, 2, 3, 4, 7, 11)
    ]
    asked = [(name, at) for name in names for at in times]
    given = "".join(f"{name} {at}\n" for name, at in asked)
    said = [line.split(" ") for line in run(driver, tmp_path, "now", given=given).splitlines()]
    for (name, at), (rule, utoff) in zip(asked, said, strict=True):
        offset = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(name)).utcoffset()
        assert (name, at, float(utoff)) == (name, at, offset.total_seconds() if offset else 0)
        if name not in IRREGULAR and at == times[-1]:
            assert zones[name].endswith(f"\n{rule}\n".encode())


@pytest.mark.parametrize("old", [False, True])
def test_damaged_properties_do_no_harm(driver: Path, tmp_path: Path, old: bool) -> None:
    path = FOLDER if old else f"{FOLDER}/{files.CONTEXT}"
    area = files.properties("Asia/Shanghai", size=4096, backup=not old)
    files.write(tmp_path, {path: area, f"{APEX}/tzdata": files.bundle(files.rules())})
    found = int(run(driver, tmp_path, "fuzz", path, str(len(area)), "7", "4000"))
    assert 400 < found < 3900  # some damage is seen, most is elsewhere


def test_a_damaged_bundle_does_no_harm(driver: Path, tmp_path: Path) -> None:
    made = phone("Asia/Shanghai")
    files.write(tmp_path, made)
    size = len(made[f"{APEX}/tzdata"])
    found = int(run(driver, tmp_path, "fuzz", f"{APEX}/tzdata", str(size), "11", "4000"))
    assert 400 < found < 3600


def test_a_damaged_zone_does_no_harm(driver: Path, tmp_path: Path) -> None:
    times = [(number << 26, number % 7 * 1800 - 3600) for number in range(-40, 40)]
    files.write(tmp_path, {"zone": files.tzif(NEW_YORK, times)})
    found = int(run(driver, tmp_path, "fuzz_zone", "zone", "3", "20000"))
    assert 2000 < found < 19000


def test_nothing_is_added_to_programs_of_bionic(driver: Path, tmp_path: Path) -> None:
    for source in sorted((ROOT / "btfhub/runtime").glob("timezone*.c")):
        object_ = tmp_path / f"{source.stem}.o"
        subprocess.run(["gcc", "-D__ANDROID__", "-c", source, "-o", object_], check=True)
        symbols = subprocess.run(["nm", object_], text=True, capture_output=True, check=True)
        assert symbols.stdout == ""
