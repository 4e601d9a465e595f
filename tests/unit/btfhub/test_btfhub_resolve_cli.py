"""`./dev btfhub resolve`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from btfhub.__main__ import main

ROOT = Path(__file__).parents[3]
HUB_FILE = "common-android12-5.10/{}-arm64.btf.tar.xz"
# Slow to import, or a sign that something is done that need not be.
NOT_NEEDED = ("ctypes", "requests", "socket", "ssl", "subprocess", "tomllib", "tqdm")


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Return the stdout of a run with the expected status and an empty stderr."""
    assert main(["resolve", *arguments]) == status
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_what_fits_is_reported_with_reason_and_next_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    release = "5.10.117-android12-9-00004-g0123456789ab-ab8949903"
    others = ", ".join(
        [
            "a12-5.10-2022-09 (sublevel)",
            *(f"a12-5.10-2022-0{month} (older)" for month in (7, 6, 5, 4)),
            "and 6 more",
        ]
    )
    assert said(capsys, release).splitlines() == [
        "a12-5.10-2022-08",
        f"  file        {HUB_FILE.format('a12-5.10-2022-08')}",
        "  confidence  exact",
        "  reason      Google's build 8949903 is of 2022-08",
        f"  others      {others}",
        "  next        embed it: ./dev scons app=NAME kernels=a12-5.10-2022-08",
    ]


def test_the_doubts_are_reported_for_a_kernel_of_two_layouts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(capsys, "5.10.43-android12-9-00007-g9771767708df-ab8009062").splitlines() == [
        "a12-5.10-2021-10",
        f"  file        {HUB_FILE.format('a12-5.10-2021-10')}",
        "  confidence  sublevel",
        "  reason      android12-5.10, KMI generation 9, the same sublevel 43,"
        " that of 2021-08, 2021-09 and 2021-10",
        "  warning     sublevel 43 is also that of 2021-09, whose core structs differ;"
        " the release does not show which it is",
        "  next        embed it: ./dev scons app=NAME kernels=a12-5.10-2021-10",
    ]


@pytest.mark.parametrize(
    ("release", "warnings"),
    [
        ("5.10.101-android12-9", []),
        (
            "5.10.198-android12-9-00019-g6efebf1322d6-ab11471183",
            [
                "no BTF of android12-5.10 is newer; what moved after 168 is not known",
                "structs that are private to a driver or a file system (f2fs, ext4, io_uring, USB"
                " gadgets …) may have moved; those of the KMI (task_struct, file, sock …) must not",
            ],
        ),
        (
            "5.10.107-android13-4",
            [
                "kernels of android13-5.10 normally have BTF themselves: where"
                " /sys/kernel/btf/vmlinux is there, it is used and nothing has to be embedded"
            ],
        ),
        (
            "5.10.101-android12-9-00004-g0123456789ab-dirty",
            ["-dirty: the kernel was built from changed sources, its structs may be others"],
        ),
    ],
)
def test_each_doubt_has_its_warning(
    capsys: pytest.CaptureFixture[str], release: str, warnings: list[str]
) -> None:
    assert json.loads(said(capsys, release, "--json"))["warnings"] == warnings


def test_known_build_of_another_layout_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("5.10.43-android12-9-ab7943734", "--among", "a12-5.10-2021-10", "--json")
    assert json.loads(said(capsys, *arguments))["warnings"] == [
        "build 7943734 is of 2021-09, whose core structs differ from those of this BTF"
    ]


def test_known_build_from_before_another_layout_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert json.loads(said(capsys, "5.10.43-android12-9-ab7928618", "--json"))["warnings"] == [
        "build 7928618 is of 2021-08, before 2021-09, whose core structs differ: those of this"
        " build were not measured"
    ]
    after = said(capsys, "5.10.43-android12-9-ab7833008", "--among", "a12-5.10-2021-10", "--json")
    assert json.loads(after)["warnings"] == []


def test_file_without_a_month_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("5.10.168-android12-9", "--among", "a12-5.10-lts", "--json")
    assert json.loads(said(capsys, *arguments))["warnings"] == [
        "a12-5.10-lts is of no month; sublevel 168 stands for what was measured of it"
    ]


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (
            "5.10.43-android12-6-00231-g54e7412d4ff9-ab7460289",
            "android12-5.10 is frozen as KMI generation 9; this kernel is of generation 6, whose"
            " structs may differ",
        ),
        (
            "5.10.35-android12-9",
            "sublevel 35 is older than every BTF of android12-5.10, KMI generation 9; the oldest"
            " is of 43",
        ),
        ("6.1.134-android14-11-o…", "there is no BTF of android14-6.1, KMI generation 11"),
        *(
            (
                text,
                "the release names no Android branch (as -android12-9- does): it is older than GKI"
                " or a vendor's own, and no BTF is named by it or is of its commit",
            )
            for text in (
                "5.10.107",
                "5.10.252-gki-xaga/f388d74f",
                "4.19.157-perf-g42d3…",
                "4.9.270-g862f51bac900-ab7613625",
            )
        ),
    ],
)
def test_nothing_fits_for_a_reason_with_a_next_step(
    capsys: pytest.CaptureFixture[str], release: str, reason: str
) -> None:
    first, *rest = said(capsys, release, status=1).splitlines()
    assert first == "nothing fits"
    assert rest[0] == f"  reason      {reason}"
    step = rest[1].removeprefix("  next        ")
    assert step.startswith("nothing has to be embedded where the device has /sys/kernel/btf/vmlin")
    assert step.endswith("own BTF: ./dev btfhub encode makes it from the vmlinux")
    assert ("kernels of android14-6.1 normally do" in step) == ("android14" in release)


def test_only_builds_of_a_month_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("5.10.101-android12-9", "--among", "a12-5.10-2021-09")
    assert said(capsys, *arguments, status=1).splitlines()[1] == (
        "  reason      a12-5.10-2021-09 fits a kernel by its build or its release alone, and this"
        " one's is another"
    )


def test_json_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    release = "5.10.66-android12-9-00002-gfedcba987654-ab8023517-x"
    document = json.loads(said(capsys, release, "--json"))
    assert document["schema"] == 1
    assert document["release"] == {
        "text": release, "version": "5.10", "sublevel": 66, "android": 12, "kmi": 9, "commits": 2,
        "commit": "fedcba987654", "build": "8023517", "rest": "-x", "branch": "android12-5.10",
    }  # fmt: skip
    names = ["a12-5.10-2021-12", "a12-5.10-2022-01", "a12-5.10-2021-11", "a12-5.10-2021-10"]
    files = [
        {"name": name, "path": HUB_FILE.format(name), "confidence": confidence}
        for name, confidence in zip(names, ("exact", "sublevel", "sublevel", "older"), strict=True)
    ]
    assert [document["found"], *document["others"]] == files
    assert document["next"] == "embed it: ./dev scons app=NAME kernels=a12-5.10-2021-12"


def test_json_shows_that_nothing_fits(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "5.10.107", "--json", status=1))
    assert (document["found"], document["others"]) == (None, [])
    assert document["reason"]
    assert document["next"]


def test_among_chooses_from_names_and_paths_of_ones_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = "out/5.10.101-android12-9-00001-mine.btf"
    text = said(capsys, "5.10.101-android12-9-00001-mine", "--among", "a12-5.10-2022-05", own)
    assert text.startswith("5.10.101-android12-9-00001-mine\n  confidence  exact\n")
    assert "  others      a12-5.10-2022-05 (sublevel)\n" in text


def test_line_end_of_adb_is_no_part_of_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "5.10.101-android12-9\r\n") == said(capsys, "5.10.101-android12-9")


def test_a_hub_of_ones_own_is_chosen_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    release = "5.10.110-android12-9"
    assert said(capsys, release).startswith("a12-5.10-2022-07\n")
    path = tmp_path / HUB_FILE.format("a12-5.10-2022-05")
    path.parent.mkdir()
    path.touch()
    text = said(capsys, release, "--hub", str(tmp_path))
    assert text.startswith("a12-5.10-2022-05\n")
    assert "  confidence  older\n" in text
    path.unlink()
    reason = "  reason      there is no BTF of android12-5.10, KMI generation 9\n"
    assert reason in said(capsys, release, "--hub", str(tmp_path), status=1)


def test_lock_may_hold_releases_of_distributions_and_names_that_tell_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = {"size": 1, "sha256": "0" * 64, "btf_size": 1, "btf_sha256": "0" * 64}
    pairs = [
        ("debian/11/5.10.0-8-arm64", "debian/11/arm64/5.10.0-8-arm64.btf.tar.xz"),
        ("notes", "notes.btf.tar.xz"),
    ]
    files = [{"name": name, "path": path, **file} for name, path in pairs]
    pins = tmp_path / "pins"
    pins.write_text(json.dumps({"schema": 1, "url": "", "files": files}))
    assert said(capsys, "5.10.0-8-arm64", "--lock", str(pins)).splitlines() == [
        "debian/11/5.10.0-8-arm64",
        "  file        debian/11/arm64/5.10.0-8-arm64.btf.tar.xz",
        "  confidence  exact",
        "  reason      this BTF is named by that very release",
        "  next        embed it: ./dev scons app=NAME kernels=debian/11/5.10.0-8-arm64",
    ]
    said(capsys, "5.10.0-9-arm64", "--lock", str(pins), status=1)


@pytest.mark.parametrize(
    "release", ["", "5", "5.10", "5.10.100000000000000000000", "5.10.1\nx", "5.10.1\x1b[2J", "é"]
)
def test_what_is_no_release_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], release: str
) -> None:
    assert main(["resolve", release]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[0] == f"error: {release!a} is not a kernel release"
    assert output.err.splitlines()[1].startswith("hint: give what `adb shell uname -r` prints")


def test_bad_name_among_is_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "5.10.101-android12-9", "--among", "vmlinux"]) == 2
    error = "error: vmlinux is not named after a kernel\n"
    assert capsys.readouterr().err.startswith(error)


def test_it_opens_no_socket_and_imports_nothing_slow() -> None:
    script = (
        "import sys; sys.addaudithook(lambda event, _: event.startswith('socket.') and exit(9))\n"
        "from btfhub.__main__ import main\n"
        "status = main(['resolve', '5.10.101-android12-9', '--json'])\n"
        f"slow = [name for name in {NOT_NEEDED} if name in sys.modules]\n"
        "sys.exit(f'imported: {slow}' if slow else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
