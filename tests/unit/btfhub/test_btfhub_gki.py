"""What is known of Android's branches agrees with itself and with the hub's real files."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from btfhub import archive, gki, lock, typegraph
from btfhub.__main__ import LOCK

ROOT = Path(__file__).parents[3]
ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
CORE = ("cred", "dentry", "file", "mm_struct", "nsproxy", "pid", "sock", "task_struct")
# What a12-5.10-lts and a13-5.10-lts have more than 2023-04 (beside one of two struct uvc_device).
LATER = {"io_poll_iocb": "retries", "sctp_stream_priorities": "users"}


@cache
def structs(name: str) -> dict[str, typegraph.Struct]:
    """Return structs of a real hub file."""
    path = ASSETS / "btfhub" / lock.load(LOCK).files[name].path
    if not path.exists():
        pytest.skip(f"no {path}: set DROIDBPF_TEST_ASSETS to the folder of test data")
    return typegraph.structs(
        archive.unpack(path)[1], (*CORE, *LATER, "ext4_sb_info", "thread_info")
    )


def core(name: str) -> dict[str, typegraph.Struct]:
    return {its: struct for its, struct in structs(name).items() if its in CORE}


def test_tip_of_android12_is_2023_04() -> None:
    assert structs("a12-5.10") == structs("a12-5.10-2023-04")
    assert structs("a12-5.10") != structs("a12-5.10-2023-03")  # ext4_sb_info
    assert gki.branch("android12-5.10").sublevel("tip") == 168


def test_tip_of_android13_is_2023_04_but_for_the_compiler() -> None:
    tip, month = structs("a13-5.10"), structs("a13-5.10-2023-04")
    assert {its for its in tip if tip[its] != month[its]} == {"task_struct", "thread_info"}
    assert structs("a13-5.10-2023-02")["ext4_sb_info"] != tip["ext4_sb_info"]
    assert gki.branch("android13-5.10").sublevel("tip") == 168


@pytest.mark.parametrize("android", [12, 13])
def test_lts_has_what_2023_04_has_and_more(android: int) -> None:
    lts, month = structs(f"a{android}-5.10-lts"), structs(f"a{android}-5.10-2023-04")
    for its, struct in month.items():
        more = {LATER[its]} if its in LATER else set()
        assert set(lts[its].members) - set(struct.members) == more
        assert set(struct.members) <= set(lts[its].members)
    assert core(f"a{android}-5.10-lts") == core(f"a{android}-5.10-2023-04")
    assert gki.branch(f"android{android}-5.10").sublevel("lts") == 168


def test_2021_09_alone_has_core_structs_of_another_layout() -> None:
    assert structs("a12-5.10-2021-09")["task_struct"].size == 4608
    later = [core(f"a12-5.10-{month}") for month in ("2021-10", "2022-05", "2023-04")]
    assert [its["task_struct"].size for its in later] == [4672] * 3
    for struct in CORE:
        first = later[0][struct].members
        for other in later[1:]:
            both = set(first) & set(other[struct].members)
            moved = {member for member in both if first[member] != other[struct].members[member]}
            assert not moved, struct
    assert gki.branch("android12-5.10").exact_only == {"2021-09"}


def test_both_files_of_data_name_their_sources_first() -> None:
    for name in ("gki.json", "gki_months.json"):
        text = (ROOT / "btfhub" / name).read_text()
        assert next(iter(json.loads(text))).strip("_") in ("source", "sources")


def test_data_is_whole_and_in_order() -> None:
    months = json.loads((ROOT / "btfhub/gki_months.json").read_text())["branches"]
    assert set(gki.branches()) == set(months)
    for name, branch in gki.branches().items():
        assert re.fullmatch(r"android\d\d-\d\.\d+", name)
        assert branch.months == months[name]
        assert list(branch.months) == sorted(branch.months)
        assert list(branch.months.values()) == sorted(branch.months.values())
        known = {*branch.exact_only, *branch.stands_for.values()}
        assert known <= set(branch.months)
        ids = [build for builds in branch.builds.values() for build in builds]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch("P?[0-9]+", build) for build in ids)


def test_every_hub_file_of_a_branch_has_a_sublevel() -> None:
    for file in lock.load(LOCK).files.values():
        if file.branch.startswith("android"):
            kind = file.month or ("lts" if file.name.endswith("-lts") else "tip")
            assert gki.branch(file.branch).sublevel(kind) > 0, file.name


def test_nothing_is_known_of_a_foreign_branch() -> None:
    assert gki.branch("android11-5.4") == gki.Branch()
    assert gki.branch("").sublevel("2022-05") == -1
