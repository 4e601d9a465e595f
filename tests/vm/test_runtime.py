"""btfhub/runtime on a kernel without BTF: what it takes, what it refuses, and what it says.

One boot runs all cases; each test looks at one.
"""

from __future__ import annotations

import re
from pathlib import Path

import guests
import pytest
from runtime_programs import OWN, RELEASE, entry, hub_btf, looping, moved, own_btf, workshop

from vm import machine

MOVED = {"tgid": 8, "pid": 8, "comm": 8, "real_parent": -8, "static_prio": 8}
HINT = (
    f"hint: `./dev btfhub resolve {RELEASE}` shows which BTF fits: build with kernels=NAME,"
    " or name its file with --btf or $DROIDBPF_BTF\n"
)
FIT = "sublevel 223 of android12-5.10, KMI 9"
HUB_FIT = "sublevel 168 of android12-5.10, KMI 9, the nearest before 223"
MEMFD = "0 /memfd:btf (deleted)\n"
CASES = {
    "own": "own",
    "own -v": "own -v",
    "thread": "own -t",
    "namespace": "own -n -v",
    "attached": "own -T -v",
    "attached in a namespace": "own -T -n",
    "bcc": "own -c",
    "careful": "careful && careful -N -7 && careful -N 19 && careful -R",
    "hub": "hub",
    "hub in a namespace": "hub -n",
    "hub attached": "hub -T",
    "hub by bcc": "hub -c",
    "many": "many -v",
    "no branch": "foreign",
    "none": "none",
    "not root": "own -u",
    "file": "none -f /own.btf -v",
    "file wins": "DROIDBPF_BTF=/hub.btf none -f /own.btf",
    "variable": "DROIDBPF_BTF=/own.btf none -v",
    "variable wins": "DROIDBPF_BTF=/hub.btf own",
    "empty variable": "DROIDBPF_BTF= own",
    "wrong file": "own -f /hub.btf",
    "no file": "own -f /no.btf",
    "folder": "own -f /data",
    "no BTF": "own -f /bad.btf",
    "near file": "none -f /near.btf",
    "lacking file": "none -f /lacking.btf",
    "looping file": "none -f /looping.btf",
    "beside": "/beside/hub -v",
    "wrong beside": "/wrong/none",
    "no memfd": "own -M",
    **{f"moved {field}": f"moved_{field}" for field in MOVED},
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, machine.Result]:
    """What each case gave."""
    kernel = guests.kernel(guests.NOBTF)
    shop = workshop(tmp_path_factory.mktemp("runtime"))
    full, hub = own_btf(), hub_btf("a12-5.10-2023-04")
    own, foreign = shop.minimized(full), shop.minimized(hub)
    a12 = entry("a12-5.10-2023-04", foreign)
    near = moved(own, "static_prio", 8)
    embedded = {
        "own": [entry(OWN, own)],
        "careful": [entry(OWN, own, careful=True)],
        "hub": [a12],
        "many": [a12, entry("a12-5.10-2022-05", foreign), entry(OWN, own)],
        "foreign": [entry("a13-5.10-2022-05", foreign), entry("5.10.223", own)],
        "none": None,
    }
    for field, by_bytes in MOVED.items():
        btf = moved(own, field, by_bytes)
        embedded[f"moved_{field}"] = [entry(OWN, btf, careful=field == "static_prio")]
    files: dict[str, Path | bytes] = {
        f"/bin/{name}": shop.program(name, entries) for name, entries in embedded.items()
    }
    files |= {
        "/own.btf": full, "/hub.btf": hub, "/bad.btf": b"no BTF\n", "/near.btf": near,
        "/lacking.btf": own.replace(b"\0static_prio\0", b"\0static_priO\0")
        .replace(b"\0real_parent\0", b"\0real_parenT\0"),
        "/looping.btf": looping(own),
        "/beside/hub": files["/bin/hub"], f"/beside/{RELEASE}.btf": full,
        "/wrong/none": files["/bin/none"], f"/wrong/{RELEASE}.btf": hub,
    }  # fmt: skip
    results = machine.run(
        kernel, [["sh", "-c", command] for command in CASES.values()], files, timeout_s=180
    )
    return dict(zip(CASES, results.commands, strict=True))


Cases = dict[str, machine.Result]


def clean(case: machine.Result) -> str:
    """Return the output of a case that succeeded, with an empty stderr."""
    assert (case.status, case.stderr.decode()) == (0, "")
    return case.stdout.decode()


def refusal(case: machine.Result, *tried: str) -> bool:
    """Return whether the program of the case refused all, for these reasons (patterns)."""
    program = Path(case.command[2].split()[0]).name
    lines = case.stderr.decode().splitlines(keepends=True)
    assert lines[0] == (
        f"{program}: error: kernel {RELEASE} has no BTF, and none that fits was found\n"
    )
    assert lines[-1] == f"{program}: {HINT}"
    assert len(lines) == len(tried) + 2
    for line, pattern in zip(lines[1:-1], tried, strict=True):
        assert re.fullmatch(rf"{program}:   {pattern}\n", line), line
    return case.status == 0


def other_kernel(field: str, found: str = r"-?\d+", right: str = r"\d+") -> str:
    return rf"it is for another kernel: task_struct\.{field} reads {found}, not {right}"


BESIDE = rf"/bin/{re.escape(RELEASE)}\.btf: No such file or directory"
HUB = rf"a12-5\.10-2023-04 \(embedded\), {HUB_FIT}: {other_kernel('tgid')}"


def test_the_kernels_own_btf_is_taken_in_silence(cases: Cases) -> None:
    assert clean(cases["own"]) == MEMFD


def test_verbose_shows_which_and_why(cases: Cases) -> None:
    case = cases["own -v"]
    assert (case.status, case.stdout.decode()) == (0, MEMFD)
    assert case.stderr.decode() == f"btf: {OWN} (embedded), {FIT}; probe passed\n"


def test_the_right_one_is_taken_of_many(cases: Cases) -> None:
    assert cases["many"].stdout.decode() == MEMFD
    assert cases["many"].stderr.decode() == f"btf: {OWN} (embedded), {FIT}; probe passed\n"


def test_any_thread_may_ask(cases: Cases) -> None:
    assert clean(cases["thread"]) == MEMFD


def test_it_is_right_in_a_pid_namespace(cases: Cases) -> None:
    assert cases["namespace"].stdout.decode() == MEMFD
    assert cases["namespace"].stderr.decode().endswith("; probe passed\n")
    assert cases["hub in a namespace"].stdout == b"-22 no path\n"
    assert refusal(cases["hub in a namespace"], HUB, BESIDE)


def test_a_kernel_that_runs_no_raw_tracepoint_on_demand_gets_it_attached(cases: Cases) -> None:
    assert cases["attached"].stdout.decode() == MEMFD
    assert cases["attached"].stderr.decode().endswith("; probe passed\n")
    assert refusal(cases["hub attached"], HUB, BESIDE)
    case = cases["attached in a namespace"]
    assert case.stdout == b"-18 no path\n"  # EXDEV
    assert case.stderr == (
        b"own: error: checking a BTF in a PID namespace requires kernel 5.10 or newer\n"
    )


def test_bccs_functions_do_the_same(cases: Cases) -> None:
    assert clean(cases["bcc"]) == MEMFD
    assert cases["hub by bcc"].stdout == b"-22 no path\n"
    assert refusal(cases["hub by bcc"], HUB, BESIDE)


def test_a_careful_btf_passes_at_any_nice_and_policy(cases: Cases) -> None:
    assert clean(cases["careful"]) == MEMFD * 4


def test_a_btf_of_the_right_name_and_wrong_layout_is_refused(cases: Cases) -> None:
    assert cases["hub"].stdout == b"-22 no path\n"  # EINVAL
    assert refusal(cases["hub"], HUB, BESIDE)


@pytest.mark.parametrize("field", ["tgid", "pid"])
def test_a_moved_number_is_refused(cases: Cases, field: str) -> None:
    reason = rf"{re.escape(OWN)} \(embedded\), {FIT}: {other_kernel(field)}"
    assert refusal(cases[f"moved {field}"], reason, BESIDE)


def test_a_moved_comm_is_refused(cases: Cases) -> None:
    reason = r"it is for another kernel: task_struct\.comm reads another name"
    assert refusal(cases["moved comm"], rf"{re.escape(OWN)} \(embedded\), {FIT}: {reason}", BESIDE)


def test_a_moved_parent_is_refused(cases: Cases) -> None:
    reason = other_kernel("real_parent->tgid")
    assert refusal(
        cases["moved real_parent"], rf"{re.escape(OWN)} \(embedded\), {FIT}: {reason}", BESIDE
    )


NEAR = (
    r"task_struct\.static_prio reads \d+, not 120: the fields near it \(state, flags,"
    r" cpu, prio\) are misplaced too"
)


def test_a_moved_static_prio_is_refused_where_the_app_reads_what_is_near(cases: Cases) -> None:
    reason = rf"{re.escape(OWN)} \(embedded\), {FIT}: {NEAR}"
    assert refusal(cases["moved static_prio"], reason, BESIDE)


def test_a_file_with_a_moved_static_prio_is_taken_with_a_warning(cases: Cases) -> None:
    assert cases["near file"].stdout == b"0 /near.btf\n"
    warning = rf"none: warning: /near\.btf \(--btf\): {NEAR}\n"
    assert re.fullmatch(warning, cases["near file"].stderr.decode())


def test_nothing_that_fits_is_reported_with_what_there_is(cases: Cases) -> None:
    assert cases["no branch"].stdout == b"-2 no path\n"  # ENOENT
    assert refusal(
        cases["no branch"], r"embedded, none fits: 5\.10\.223, a13-5\.10-2022-05", BESIDE
    )


def test_a_program_without_any_says_so(cases: Cases) -> None:
    assert cases["none"].stdout == b"-2 no path\n"
    assert refusal(cases["none"], "no BTF is embedded in the program", BESIDE)


def test_without_root_it_says_that_and_not_that_the_btf_is_wrong(cases: Cases) -> None:
    case = cases["not root"]
    assert case.stdout == b"-1 no path\n"  # EPERM
    assert case.stderr == b"own: error: not permitted to load BPF programs: run it as root\n"


def test_what_the_user_names_goes_before_all(cases: Cases) -> None:
    assert cases["file"].stdout == b"0 /own.btf\n"
    assert cases["file"].stderr == b"btf: /own.btf (--btf); probe passed\n"
    assert clean(cases["file wins"]) == "0 /own.btf\n"
    assert cases["variable"].stdout == b"0 /own.btf\n"
    assert cases["variable"].stderr == b"btf: /own.btf ($DROIDBPF_BTF); probe passed\n"
    assert clean(cases["empty variable"]) == MEMFD


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("wrong file", -22, r"/hub\.btf \(--btf\): " + other_kernel("tgid")),
        ("variable wins", -22, r"/hub\.btf \(\$DROIDBPF_BTF\): " + other_kernel("tgid")),
        ("no BTF", -22, r"/bad\.btf \(--btf\): it is not BTF"),
        ("folder", -21, r"/data \(--btf\): Is a directory"),
        ("lacking file", -22, r"/lacking\.btf \(--btf\): it lacks task_struct\.real_parent"),
        ("looping file", -22, r"/looping\.btf \(--btf\): it lacks task_struct\.tgid"),
        ("no file", -2, r"/no\.btf \(--btf\): No such file or directory"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_though_another_would_do(
    cases: Cases, case: str, status: int, reason: str
) -> None:
    assert cases[case].stdout.decode() == f"{status} no path\n"
    hint = rf"\w+: hint: `\./dev btfhub resolve {RELEASE}` .*\n" if status == -22 else ""
    assert re.fullmatch(rf"\w+: error: {reason}\n{hint}", cases[case].stderr.decode())


def test_a_file_beside_the_program_helps_where_the_embedded_ones_do_not(cases: Cases) -> None:
    case = cases["beside"]
    assert case.stdout.decode() == f"0 /beside/{RELEASE}.btf\n"
    taken = rf"btf: /beside/{re.escape(RELEASE)}\.btf \(beside the program\); probe passed\n"
    assert re.fullmatch(rf"btf: {HUB}\n{taken}", case.stderr.decode())


def test_a_wrong_file_beside_the_program_is_refused(cases: Cases) -> None:
    reason = rf"/wrong/{re.escape(RELEASE)}\.btf \(beside the program\): {other_kernel('tgid')}"
    assert cases["wrong beside"].stdout == b"-22 no path\n"
    assert refusal(cases["wrong beside"], "no BTF is embedded in the program", reason)


def test_without_memfd_it_says_so(cases: Cases) -> None:
    case = cases["no memfd"]
    assert case.stdout == b"-2 no path\n"
    reason = "cannot write it to a file: Function not implemented"
    assert f"own:   {OWN} (embedded), {FIT}: {reason}\n" in case.stderr.decode()
