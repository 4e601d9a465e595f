"""btfhub/runtime where little is as it should be: files that are none, limits, BTFs nearly right.

One boot of a kernel without BTF runs all cases; each test looks at one.
"""

from __future__ import annotations

import re

import guests
import pytest
from runtime_programs import OWN, RELEASE, entry, moved, own_btf, workshop

from vm import machine

MEMFD = "0 /memfd:btf (deleted)\n"
# One field of a BTF that is right else, and by how many bytes it is moved there.
MOVED = {"pid": ("pid", 4), "tgid": ("tgid", -4), "late": ("timer_slack_ns", 8)}
CASES = {
    **{name: name for name in MOVED},
    "real-time": "own -R",
    "pipe": "mkfifo /pipe; timeout 5 own -f /pipe",
    "pipe by its descriptor": "cat /own.btf | own -f /dev/stdin",
    "device": "own -f /dev/zero",
    "links in a circle": "ln -s /link /link; own -f /link",
    "link": "ln -s /own.btf /good; own -f /good",
    "unreadable": "cp /own.btf /secret; chmod 0 /secret; own -u -f /secret",
    "empty file": ": > /empty; own -f /empty",
    "empty name": "own -f ''",
    "cut off": "head -c 1000000 /own.btf > /cut; own -f /cut",
    "larger than memory": "cp /own.btf /large; truncate -s 8G /large; own -f /large",
    "no memory to lock": "ulimit -l 0; own",
    "file size": "own -L",
    "files: 4": "ulimit -n 4; own",
    "files: 5": "ulimit -n 5; own",
    "closed descriptors": "own -v <&- 2>&-",
    "SIGCHLD ignored": "trap '' CHLD; own",
    "a thread waits for all": "own -w -m 40",
}
Cases = dict[str, machine.Result]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """What each case gave."""
    kernel = guests.kernel(guests.NOBTF)
    shop = workshop(tmp_path_factory.mktemp("runtime"))
    full = own_btf()
    own = shop.minimized(full)
    embedded = {name: moved(own, *how) for name, how in MOVED.items()} | {"own": own}
    files = {f"/bin/{n}": shop.program(n, [entry(OWN, btf)]) for n, btf in embedded.items()}
    commands = [["sh", "-c", command] for command in CASES.values()]
    results = machine.run(kernel, commands, files | {"/own.btf": full}, timeout_s=180)
    return dict(zip(CASES, results.commands, strict=True))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pid", r"it has task_struct\.pid where tgid is"),
        ("tgid", r"it has task_struct\.pid where tgid is"),
        (
            "late",
            r"it is for another kernel: task_struct\.timer_slack_ns reads -?\d+, not 13639103",
        ),
    ],
)
def test_a_btf_with_one_field_elsewhere_is_refused(cases: Cases, name: str, reason: str) -> None:
    lines = cases[name].stderr.decode().splitlines()
    assert cases[name].stdout == b"-22 no path\n"
    assert re.fullmatch(rf"{name}:   {OWN} \(embedded\), .*: {reason}", lines[1])


def test_a_real_time_process_gets_the_right_one(cases: Cases) -> None:
    assert (cases["real-time"].stdout.decode(), cases["real-time"].stderr) == (MEMFD, b"")


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("pipe", -29, "/pipe (--btf): Illegal seek"),
        ("pipe by its descriptor", -29, "/dev/stdin (--btf): Illegal seek"),
        ("device", -29, "/dev/zero (--btf): Illegal seek"),
        ("links in a circle", -40, "/link (--btf): Too many levels of symbolic links"),
        ("unreadable", -13, "/secret (--btf): Permission denied"),
        ("empty file", -22, "/empty (--btf): it is not BTF: Input/output error"),
        ("empty name", -2, " (--btf): No such file or directory"),
        ("cut off", -22, "/cut (--btf): it is not BTF: Invalid argument"),
        ("larger than memory", -22, "/large (--btf): it is not BTF: Cannot allocate memory"),
    ],
)
def test_a_file_that_is_none_is_refused_at_once(
    cases: Cases, case: str, status: int, reason: str
) -> None:
    first, *rest = cases[case].stderr.decode().splitlines()
    assert cases[case].stdout.decode() == f"{status} no path\n"
    assert first == f"own: error: {reason}"
    hint = f"own: hint: `./dev btfhub resolve {RELEASE}` shows which BTF fits this kernel"
    assert rest == ([hint] if status == -22 else [])


def test_a_link_to_a_file_is_followed(cases: Cases) -> None:
    assert (cases["link"].stdout, cases["link"].stderr) == (b"0 /own.btf\n", b"")


@pytest.mark.parametrize("case", ["no memory to lock", "SIGCHLD ignored", "closed descriptors"])
def test_what_a_parent_left_does_not_matter(cases: Cases, case: str) -> None:
    assert (cases[case].stdout.decode(), cases[case].stderr) == (MEMFD, b"")


def test_too_few_files_are_reported_as_such(cases: Cases) -> None:
    assert "cannot write it to a file: Too many open files\n" in cases["files: 4"].stderr.decode()
    assert cases["files: 5"].stdout == b"-24 no path\n"
    assert cases["files: 5"].stderr == (
        b"own: error: cannot load BPF programs: Too many open files\n"
    )


def test_a_btf_that_does_not_fit_in_its_file_is_reported_as_such(cases: Cases) -> None:
    assert cases["file size"].stdout == b"-2 no path\n"
    reason = "cannot write it to a file: No space left on device\n"
    assert reason in cases["file size"].stderr.decode()


def test_a_thread_that_waits_for_all_children_does_no_harm(cases: Cases) -> None:
    lines = cases["a thread waits for all"].stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["0"] * 40
