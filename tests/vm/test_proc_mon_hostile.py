"""proc_mon on real arm64 kernels against processes that hide, and with an unusual stdout."""

from __future__ import annotations

from pathlib import Path

import guests
import pytest
from guests import NOBTF
from proc_mon_guest import PATH, Guest, files_of

ID = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899"
KILLED = 9


@pytest.fixture(scope="module", params=["5.10", "6.12", NOBTF])
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """What the cases of proc_mon_hostile_cases.sh did in one guest."""
    guests.need("aarch64-linux-gnu-gcc")
    kernel = guests.kernel(request.param)

    def boot(folder: Path) -> bytes:
        files, env = files_of(request.param, folder)
        return guests.run_cases(kernel, "proc_mon_hostile_cases.sh", files, env=env)

    name = f"proc_mon-hostile-{request.param}"
    return Guest(request.param, guests.once(tmp_path_factory, name, boot))


def test_a_container_is_known_and_denied_however_deep_the_cgroup_below_it(guest: Guest) -> None:
    deny, end = guest.of("cgroup", "deep")
    assert (deny["event"], deny["rule"]) == ("deny", f"cgroup=/docker-{ID}.scope")
    for event in (deny, end):
        assert event["container"] == ID
        assert event["cgroup"].startswith(f"/docker-{ID}.scope/a/b/a/b/")
    assert guest.children("cgroup")["deep"].status == KILLED


@pytest.mark.parametrize("label", ["deep", "long"])
def test_a_folder_is_denied_however_far_below_it_the_program_is(guest: Guest, label: str) -> None:
    assert guest.children("path")[label].status == KILLED
    (deny,) = (event for event in guest.of("path", label) if event["event"] == "deny")
    assert (deny["path"], deny["rule"]) == (f"./{label}", "path=/t/dir/")


def test_a_program_elsewhere_lives(guest: Guest) -> None:
    assert guest.children("path")["lives"].status == 0
    assert guest.end("path", "lives")["path"] == PATH


def test_the_first_process_of_a_pid_namespace_is_killed_as_any(guest: Guest) -> None:
    denied = [event for event in guest.events("init") if event["event"] == "deny"]
    assert [event["comm"] for event in denied] == ["evil"]
    ends = [event for event in guest.events("init") if event["pid"] == denied[0]["pid"]]
    assert [event["state"] for event in ends] == ["denied", "killed"]


def test_no_event_is_lost_where_stdout_does_not_block(guest: Guest) -> None:
    assert len(guest.clean("nonblocking").splitlines()) >= 700


def test_a_closed_stdout_is_reported_at_once(guest: Guest) -> None:
    assert guest.text("closed.status") == "1\n"
    assert guest.text("closed.err") == "proc_mon: stdout: Bad file descriptor\n"
