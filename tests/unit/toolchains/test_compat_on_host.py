"""What is for musl and bionic, built for this machine, prints to the byte what glibc's own does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from compat_on_host import COMPAT, build, build_gnulib, run, symbols

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
Pair = tuple[Path, Path]  # a program with what the libc has, and the same with ours

# Arguments, each of which argp answers in a way of its own.
ARGUMENTS = [
    *("--help", "-?", "--usage", "--version", "-V", "--vers", "--v", "--nope", "-k", "-p", "--pid"),
    *("--pid=", "--verbose=3", "--fail=error", "--fail=failure", "--fail=warning", "--fail=usage"),
    *("--fail=other", "a b c d", "x -v y", "-- -v", "-o -oX --version-of=Y", "-vsp3 a", "--secret"),
    *("--child 3 -Z", "--child=x --nope", "-f", "--a-n=3", "--th 3", "--limit", "-s -u"),
    *("--HANG=x", "--program-name=other --nope", "--program-name=/a/other --help", "-", ""),
]  # fmt: skip
# ARGP_PARSE_ARGV0, ARGP_NO_ERRS, ARGP_NO_ARGS, ARGP_IN_ORDER, ARGP_NO_HELP, ARGP_NO_EXIT,
# ARGP_LONG_ONLY, ARGP_SILENT
FLAGS = ("1", "2", "4", "8", "0x10", "0x20", "0x40", "0x32")
HELP_FLAGS = ("1", "2", "4", "8", "0x10", "0x20", "0x40", "0x7e")
FORMATS = (
    *("rmargin=50,opt-doc-col=20", "dup-args,no-dup-args-note", "dup-args", "no-dup-args"),
    *("short-opt-col=0,long-opt-col=8,header-col=3,usage-indent=4,doc-opt-col=5", "unknown", ";"),
)

FIRST_LEVEL = {"qsort_r": 36, "reallocarray": 29, "memfd_create": 30, "statx": 30}  # of bionic


def build_both(folder: Path, source: str, *ours: str | Path) -> Pair:
    return build(folder / "libc/app", source), build(folder / "ours/app", source, *ours)


@pytest.fixture(scope="module")
def gnulib(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return build_gnulib(tmp_path_factory.mktemp("gnulib"))


@pytest.fixture(scope="module")
def argp(tmp_path_factory: pytest.TempPathFactory, gnulib: list[str]) -> Pair:
    pair = build_both(tmp_path_factory.mktemp("argp"), "compat_argp.c", *gnulib)
    assert [symbols(program)["argp_parse"] for program in pair] == ["U", "T"]
    return pair


def assert_same(programs: Pair, *arguments: str, **environment: str) -> tuple[int, str, str]:
    expected, reported = (run(program, *arguments, **environment) for program in programs)
    assert reported == expected
    return reported


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_argp_answers_every_command_line_as_glibc_does(argp: Pair, arguments: str) -> None:
    assert_same(argp, *arguments.split())


def test_argp_fails_with_the_status_and_the_words_of_glibc(argp: Pair) -> None:
    status, _, said = assert_same(argp, "--nope")
    assert (status, said) == (
        64,
        "./app: unrecognized option '--nope'\n"
        "Try `app --help' or `app --usage' for more information.\n",
    )


@pytest.mark.parametrize("flags", FLAGS)
def test_argp_heeds_the_flags_of_argp_parse(argp: Pair, flags: str) -> None:
    for arguments in ((), ("--help",), ("a", "-v", "b", "--nope"), ("-verbose", "-V")):
        assert_same(argp, *arguments, COMPAT_FLAGS=flags)


@pytest.mark.parametrize("flags", HELP_FLAGS)
def test_argp_help_prints_the_parts_that_are_asked_for(argp: Pair, flags: str) -> None:
    assert_same(argp, COMPAT_HELP=flags)


@pytest.mark.parametrize("text", FORMATS)
def test_argp_heeds_the_users_format(argp: Pair, text: str) -> None:
    assert_same(argp, "--help", ARGP_HELP_FMT=text)
    assert_same(argp, "a", "-v", ARGP_HELP_FMT=text, POSIXLY_CORRECT="1")


def test_obstack_holds_objects_as_glibcs_does(tmp_path: Path, gnulib: list[str]) -> None:
    programs = build_both(tmp_path, "compat_obstack.c", *gnulib)
    assert [symbols(program)["_obstack_begin"] for program in programs] == ["U", "T"]
    assert assert_same(programs)[0] == 0


def test_error_prints_and_ends_as_glibcs_does(tmp_path: Path) -> None:
    musl = COMPAT / "musl"
    programs = build_both(tmp_path, "compat_error.c", f"-I{musl}", musl / "error.c")
    assert [symbols(program)["error_at_line"] for program in programs] == ["U", "T"]
    assert assert_same(programs)[0] == 0
    assert assert_same(programs, "0")[0] == 0
    status, _, said = assert_same(programs, "3")
    assert (status, said.splitlines()[1]) == (
        3,
        "./app: formatted and 7: No such file or directory",
    )


@pytest.mark.parametrize("level", [24, 29, 31, 36])
def test_what_bionic_lacks_below_an_api_level_does_as_glibcs(tmp_path: Path, level: int) -> None:
    bionic = COMPAT / "bionic"
    ours = (f"-D__ANDROID_API__={level}", f"-I{bionic}", *sorted(bionic.glob("*.c")))
    programs = build_both(tmp_path, "compat_bionic.c", *ours)
    of_libc = symbols(programs[1]).keys() & FIRST_LEVEL.keys()
    assert of_libc == {name for name, first in FIRST_LEVEL.items() if level >= first}
    assert assert_same(programs)[0] == 0


@pytest.mark.parametrize("level", [24, 36])
def test_what_bionic_lacks_leaves_names_free_that_glibc_leaves_free(
    tmp_path: Path, level: int
) -> None:
    ours = (f"-D__ANDROID_API__={level}", f"-I{COMPAT / 'bionic'}")
    assert assert_same(build_both(tmp_path, "compat_own.c", *ours)) == (0, "own 2 3 4\n", "")
