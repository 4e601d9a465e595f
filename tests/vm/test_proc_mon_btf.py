"""proc_mon with BTFs embedded by kernels=: right on each kernel that one fits, else it refuses.

Each kernel is booted once, see proc_mon_btf_cases.sh; what runs there is in proc_mon_builds.CASES.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import embedded
import pytest
from proc_mon_builds import CASES, HAS_ASSETS, OWN, WITHOUT_BTF, Builds, image, locked
from proc_mon_guest import COMM, PATH, Guest

from btfhub.__main__ import main
from vm import kernels

ID = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899"
PROGRAMS = {"on_exec", "on_fork", "on_exit"}
KERNELS_OWN = "btf: /sys/kernel/btf/vmlinux, the kernel's own"
RIGHT = [
    (WITHOUT_BTF, "own"),
    (WITHOUT_BTF, "many"),
    ("5.10", "many"),
    ("6.1", "many"),
    *((kernel, "kernel") for kernel in ("5.10", "6.1", "6.12")),
]
REFUSED = [(WITHOUT_BTF, "none"), (WITHOUT_BTF, "foreign"), ("6.12", "many")]

without_btf = pytest.mark.parametrize("btf_guest", [WITHOUT_BTF], indirect=True)


def of_cases(cases: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each case, in the guest of its kernel."""
    return pytest.mark.parametrize(("btf_guest", "case"), cases, indirect=["btf_guest"])


def loads(guest: Guest, case: str) -> list[tuple[int, str]]:
    """Return the maps (0) and programs (5) that proc_mon loaded, with the programs' names."""
    text = guest.files[f"{case}.trace"].decode(errors="replace")
    found = re.findall(r"^ *proc_mon-\d+ .* cmd=(\d+) name=(.*)$", text, re.MULTILINE)
    return [(int(command), name.strip('"')) for command, name in found]


def choice(guest: Guest, case: str) -> list[str]:
    """Return the lines of -v about the choice of a BTF."""
    return [line for line in guest.text(f"{case}.verbose").splitlines() if line[:4] == "btf:"]


def unpacked(builds: Builds, program: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the embedded bytes of a program, and the BTFs in them by their kernels' names."""
    text = (builds.folder / program / "proc_mon.btfs.c").read_text()
    data = bytes(int(number, 16) for number in re.findall(r"0x[0-9a-f]{2}", text))
    return data, {entry.key.name: entry.btf for entry in embedded.unpack(data)}


def refusal(guest: Guest, case: str) -> list[str]:
    """Return the output of a refused program without the lines that all refusals have."""
    assert guest.text(f"{case}.out") == ""
    assert guest.text(f"{case}.status") == "1\n"
    release = guest.text("release")
    first, *why, beside, hint = guest.text(f"{case}.err").splitlines()
    assert first == f"proc_mon: error: kernel {release} has no BTF, and none that fits was found"
    assert beside == f"proc_mon:   /{case}/{release}.btf: No such file or directory"
    assert hint == (
        f"proc_mon: hint: `./dev btfhub resolve {release}` shows which BTF fits: build with"
        " kernels=NAME, or name its file with --btf or $DROIDBPF_BTF"
    )
    return [line.removeprefix("proc_mon:   ") for line in why]


@of_cases(RIGHT)
def test_parent_container_and_end_are_those_of_each_process(btf_guest: Guest, case: str) -> None:
    children = btf_guest.children(case)
    assert sorted(children) == ["docker", "exit3", "orphan-child", "sigkill"]
    for label, signal, code in (("exit3", None, 3), ("sigkill", 9, 137), ("docker", None, 5)):
        begin, end = btf_guest.of(case, label)
        assert (begin["event"], end["event"]) == ("exec", "exit")
        for event in (begin, end):
            assert event["ppid"] == children[label].ppid
            assert event["container"] == (ID if label == "docker" else "host")
            assert (event["comm"], event["path"]) == (COMM, PATH)
        assert (end["signal"], end["exit_code"]) == (signal, code)
    orphan = btf_guest.end(case, "orphan-child")
    assert (orphan["ppid"], orphan["exit_code"], orphan["container"]) == (1, 9, "host")


@of_cases(RIGHT)
def test_verbose_shows_which_btf_was_taken_and_why(btf_guest: Guest, case: str) -> None:
    release = btf_guest.text("release")
    expected = f"btf: {release} (embedded), made for this exact release; probe passed"
    if case == "kernel":
        expected = KERNELS_OWN
    elif HAS_ASSETS and btf_guest.name == WITHOUT_BTF:
        fit = "sublevel 223 of android12-5.10, KMI 9"
        expected = f"btf: {OWN} (embedded), {fit}; probe passed"
    assert choice(btf_guest, case) == [expected]


@of_cases(RIGHT)
def test_where_a_btf_is_right_the_programs_are_loaded(btf_guest: Guest, case: str) -> None:
    # And what refused programs do not do is seen where it is done.
    assert {name for _, name in loads(btf_guest, case)} >= PROGRAMS
    assert 0 in {command for command, _ in loads(btf_guest, case)}


@of_cases(REFUSED)
def test_a_refused_program_loads_nothing_of_its_own(btf_guest: Guest, case: str) -> None:
    assert not {name for _, name in loads(btf_guest, case)} & PROGRAMS
    if case != "foreign":  # only there is something to be tried by the probe
        assert loads(btf_guest, case) == []


@of_cases(REFUSED)
def test_verbose_adds_no_choice_to_a_refusal(btf_guest: Guest, case: str) -> None:
    assert choice(btf_guest, case) == []
    said = btf_guest.text(f"{case}.verbose")
    assert "has no BTF, and none that fits was found\n" in said


@without_btf
def test_without_an_embedded_btf_it_says_so(btf_guest: Guest) -> None:
    assert refusal(btf_guest, "none") == ["no BTF is embedded in the program"]


@without_btf
def test_a_btf_that_fits_by_name_only_is_refused_by_what_it_reads(btf_guest: Guest) -> None:
    release = btf_guest.text("release")
    fit, *rest = refusal(btf_guest, "foreign")
    source = f"{release} (embedded), made for this exact release"
    if HAS_ASSETS:
        source = (
            "a12-5.10-2023-04 (embedded), sublevel 168 of android12-5.10, KMI 9,"
            " the nearest before 223"
        )
        assert rest[0].startswith("embedded: android12-5.10 2021-")
        assert rest[0].endswith("..2023-04")
    assert len(rest) == HAS_ASSETS
    pid = btf_guest.text("foreign.pid").strip()
    wrong = (
        rf"{re.escape(source)}: it is for another kernel: task_struct\.\w+ reads -?\d+, not {pid}"
    )
    assert re.fullmatch(wrong, fit)


@pytest.mark.parametrize("btf_guest", ["6.12"], indirect=True)
def test_where_none_fits_it_shows_what_is_embedded(btf_guest: Guest, builds: Builds) -> None:
    (why,) = refusal(btf_guest, "many")
    names = [Path(one).stem for one in builds.selectors["many"] if one.endswith(".btf")]
    if HAS_ASSETS:
        names.append("rock5b-5.10-f9d1b1529")
        why, n = re.subn(r"android1[23]-5\.10 \d{4}-\d\d\.\.\d{4}-\d\d, ", "", why)
        assert n == 2
    assert why == f"embedded, none fits: {', '.join(sorted(names))}"


def test_the_hint_of_a_refusal_is_a_command_that_answers(
    builds: Builds, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in CASES:
        release = kernels.kernel(image(name)).release
        assert main(["resolve", "--json", release]) in (0, 1)
        assert json.loads(capsys.readouterr().out)["schema"] == 1


def test_all_kernels_take_at_most_4_kb_of_the_program(builds: Builds) -> None:
    data, btfs = unpacked(builds, "many")
    paths = {Path(one).stem for one in builds.selectors["many"] if one.endswith(".btf")}
    assert btfs.keys() >= paths
    assert len(btfs) >= (len(paths) + 31 if HAS_ASSETS else 2)
    assert len(data) <= 4096
    growth = builds.program("many").stat().st_size - builds.program("none").stat().st_size
    assert growth <= 16 << 10


def test_a_packed_btf_and_a_raw_one_give_the_same(builds: Builds) -> None:
    ((name, btf),) = unpacked(builds, "own")[1].items()
    assert unpacked(builds, "many")[1][name] == btf


def test_scons_runs_it_on_a_kernel_with_that_kernels_btf(builds: Builds) -> None:
    options = ["run", f"kernel={image(WITHOUT_BTF)}", "args=-v -c cat -n 4 -d 20"]
    with locked(builds.folder.with_suffix(".lock")):
        done = builds.scons(builds.selectors["own"], *options)
    chosen = [line for line in done.stderr.splitlines() if line.startswith("btf:")]
    own = f"btf: {OWN} (embedded), sublevel 223 of android12-5.10, KMI 9; probe passed"
    assert chosen == [own if HAS_ASSETS else KERNELS_OWN]
    events = re.findall(r"event=(\w+) .* ppid=(\d+) pid=\d+ comm=cat path=(\S+) ", done.stdout)
    assert len(events) == 4
    ((kind, ppid, path),) = set(events)  # of one shell's
    assert (kind, path) == ("exit", "/bin/busybox")
    assert int(ppid) > 1
