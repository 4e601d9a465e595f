"""proc_mon on real arm64 kernels: containers, and what --deny rules kill and let live."""

from __future__ import annotations

import re

import pytest
from proc_mon_guest import PATH, Guest

ID = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899"
OTHER = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("label", "container", "cgroup"),
    [
        ("systemd", ID, f"/docker-{ID}.scope"),
        ("cgroupfs", ID, f"/docker/{ID}"),
        ("containerd", ID, f"/kubepods.slice/kubepods-podf00d.slice/cri-containerd-{ID}.scope"),
        ("kubepods", ID, f"/kubepods/burstable/podf00d/{ID}"),
        ("podman", ID, f"/machine.slice/libpod-{ID}.scope"),
        ("inner", ID, f"/docker/{OTHER}/docker/{ID}"),
        ("below", ID, f"/docker/{ID}/system.slice/x.service"),
        ("lxc", "name", "/lxc/name"),
    ],
)
def test_a_container_is_known_by_the_cgroup(
    proc_guest: Guest, label: str, container: str, cgroup: str
) -> None:
    begin, end = proc_guest.of("container", label)
    for event in (begin, end):
        assert (event["container"], event["cgroup"]) == (container, cgroup)
    assert end["exit_code"] == 5


@pytest.mark.parametrize("label", ["android", "session", "root"])
def test_container_leaves_out_the_hosts_processes(proc_guest: Guest, label: str) -> None:
    assert proc_guest.of("container", label) == []


def test_a_process_of_an_android_app_is_the_hosts(proc_guest: Guest) -> None:
    for event in proc_guest.of("host", "android"):
        assert (event["container"], event["cgroup"]) == ("host", "/uid_10123/pid_77")


def test_a_cgroup_path_that_is_too_long_is_cut(proc_guest: Guest) -> None:
    for event in proc_guest.of("host", "deep"):
        assert len(event["cgroup"]) == 511
        assert event["container"] == OTHER


def test_the_cgroup_of_version_1_is_taken_where_that_is_in_use(proc_guest: Guest) -> None:
    if "v1.out" not in proc_guest.files:
        pytest.skip(f"{proc_guest.name} has no pids controller")
    places = {
        label: {(event["container"], event["cgroup"]) for event in proc_guest.of("v1", label)}
        for label in ("v1", "v1-root", "v2-only")
    }
    assert places == {
        "v1": {(ID, f"/docker/{ID}")},
        "v1-root": {("host", "/")},
        "v2-only": {(OTHER, f"/docker/{OTHER}")},
    }


@pytest.mark.parametrize(
    ("label", "rule", "path"),
    [
        ("comm-denied", "comm=evil", "/t/evil"),
        ("path-denied", "path=/t/bad", "/t/bad"),
        ("path-relative-denied", "path=/t/bad", "/t/bad"),
        ("path-link-denied", "path=/t/bad", "/t/link"),
        ("path-dots-denied", "path=/t/bad", "/t/bad"),
        ("dir-denied", "path=/t/dir/", "/t/dir/any"),
        ("script-denied", "path=/t/denied.sh", "/t/denied.sh"),
    ],
)
def test_a_denied_program_is_killed_at_its_exec_and_reported(
    proc_guest: Guest, label: str, rule: str, path: str
) -> None:
    child = proc_guest.children("deny")[label]
    assert child.status == 9  # a shell's 137
    deny, end = proc_guest.of("deny", label)
    assert (deny["event"], deny["state"], deny["rule"]) == ("deny", "denied", rule)
    assert (deny["path"], deny["ppid"]) == (path, child.ppid)
    assert (end["event"], end["state"], end["signal"], end["exit_code"]) == (
        "exit", "killed", 9, 137,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "rule", "cgroup"),
    [
        ("id-denied", "cgroup=3f4e5d6c7b8a", f"/docker-{ID}.scope"),
        ("colon-denied", "cgroup=3f4e5d6c7b8a", f"/a/b:c:{ID}"),
        ("cgroup-denied", "cgroup=/blocked", "/blocked"),
        ("below-denied", "cgroup=/blocked", "/blocked/below"),
        ("name-denied", "cgroup=named.slice", "/x/named.slice/y"),
    ],
)
def test_a_cgroup_is_denied_with_all_that_is_below(
    proc_guest: Guest, label: str, rule: str, cgroup: str
) -> None:
    assert label not in proc_guest.children("deny")  # the reporter was killed
    denied = [event for event in proc_guest.events("deny") if event["cgroup"] == cgroup]
    assert [(event["event"], event["rule"]) for event in denied] == [
        ("deny", rule),
        ("exit", None),
    ]
    assert (denied[1]["state"], denied[1]["exit_code"]) == ("killed", 137)
    assert denied[0]["pid"] == denied[1]["pid"]


@pytest.mark.parametrize(
    "label",
    [
        "comm-lives", "path-lives", "dir-dots-lives", "script-lives", "conmon-lives", "id-lives",
        "cgroup-lives", "name-lives",
    ],
)  # fmt: skip
def test_what_no_rule_names_lives(proc_guest: Guest, label: str) -> None:
    child = proc_guest.children("deny")[label]
    assert child.status in (0, 5 << 8)
    assert [event["event"] for event in proc_guest.of("deny", label)] == ["exec", "exit"]


def test_as_many_are_denied_as_rules_hold_for(proc_guest: Guest) -> None:
    denied = [event for event in proc_guest.events("deny") if event["event"] == "deny"]
    assert len(denied) == 12


def test_text_shows_the_rule_as_one_field(proc_guest: Guest) -> None:
    (line,) = (line for line in proc_guest.clean("deny-text").splitlines() if "deny" in line)
    assert re.search(r" state=denied duration_ms=[\d.]+ rule=path=/t/a\\x20path\\x3d\\x22x,", line)
    children = proc_guest.children("deny-text")
    assert (children["strange"].status, children["lives"].status) == (9, 0)


def test_rules_hold_whatever_the_filters_say(proc_guest: Guest) -> None:
    children = proc_guest.children("deny-filtered")
    assert (children["comm-denied"].status, children["lives"].status) == (9, 0)
    (event,) = proc_guest.events("deny-filtered")
    assert (event["event"], event["pid"]) == ("deny", children["comm-denied"].pid)


def test_denials_can_be_left_out_of_what_is_shown(proc_guest: Guest) -> None:
    children = proc_guest.children("deny-unseen")
    assert (children["comm-denied"].status, children["lives"].status) == (9, 0)
    events = proc_guest.events("deny-unseen")
    assert {event["event"] for event in events} == {"exec"}
    assert children["comm-denied"].pid not in {event["pid"] for event in events}


def test_rules_end_with_the_program(proc_guest: Guest) -> None:
    assert proc_guest.children("after")["lives-after"].status == 0
    assert proc_guest.clean("after") == ""


def test_the_programs_that_watch_are_not_denied(proc_guest: Guest) -> None:
    watchers = [e for e in proc_guest.events("deny") if e["path"] == PATH and e["event"] == "exit"]
    assert {event["exit_code"] for event in watchers if event["cgroup"] == "/"} == {0}
