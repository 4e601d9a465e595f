"""A build that fails, is interrupted or is killed leaves nothing that a later build trusts."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import Tree, assert_same
from toolbox import Toolbox

KILLS = [
    (0, signal.SIGKILL),
    (1, signal.SIGINT),
    (4, signal.SIGKILL),
    (20, signal.SIGINT),
    (20, signal.SIGKILL),
    (30, signal.SIGTERM),
    (30, signal.SIGINT),
    (20, signal.SIGKILL),
]


def test_a_build_that_is_interrupted_again_and_again_ends_in_the_same_bytes(
    template: Tree, tree: Tree
) -> None:
    tree.forget()
    for after, number in KILLS:
        tree.interrupt(after, number)
    tree.scons()
    wanted = template.products()
    # A killed clang or ar leaves temporary files of its own, under names that nobody reads.
    assert_same(wanted, {name: d for name, d in tree.products().items() if name in wanted})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_next_build_repeats_no_finished_step(tree: Tree, number: signal.Signals) -> None:
    before = tree.products()
    lose_zlib(tree)
    shutil.rmtree(tree.variant / "apps")
    tree.interrupt(8, number, "-j2")
    made = tree.commands()
    assert len(made) >= 8
    again = [command for command in tree.scons("-j2").commands if command in made]
    assert len(again) <= 2, "each of two jobs may have a step between its log and its entry"
    assert_same(before, tree.products())


def test_every_step_of_a_build_that_is_killed_again_and_again_runs_once(tree: Tree) -> None:
    lose_zlib(tree)
    wanted = len(tree.copy(tree.path.with_name("whole")).scons("-j1").commands)
    runs = 0
    for _ in range(wanted):
        tree.interrupt(1, signal.SIGKILL, "-j1")
        if not tree.commands():
            break
        runs += len(tree.commands())
    assert wanted <= runs <= wanted + 3


def lose_zlib(tree: Tree) -> None:
    shutil.rmtree(tree.variant / "third_party/libz")
    (tree.variant / "third_party/libz.a").unlink()


def test_what_a_killed_compiler_left_is_not_trusted(tree: Tree, toolbox: Toolbox) -> None:
    """The compiler writes a whole wrong object, creates a file, and waits to be killed."""
    before = tree.products()
    waits = tree.path.with_name("waits")
    write = f'for word; do case $word in *.tmp) echo wrong >"$word" ;; esac; done; : >"{waits}"'
    toolbox.wrap(
        "clang-39",
        "clang",
        version="clang version 39",
        first=f'case "$*" in *hello*) {write}; exec sleep 60 ;; esac',
    )
    for number in (signal.SIGKILL, signal.SIGINT):
        tree.env = toolbox.first
        process = tree.start("-j1", "hello")
        deadline = time.monotonic() + 120
        while not waits.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
        waits.unlink()
        tree.env = {}
        tree.scons()
        assert_same(before, tree.products())


def test_what_a_killed_build_made_of_sources_that_are_back_as_they_were_is_not_trusted(
    hooked: Tree,
) -> None:
    tree, waits = hooked, hooked.path.with_name("waits")
    tree.path.with_name("hook").write_text(
        f'case "$*" in *gc-sections*) [ -e {waits} ] && rm {waits} && exec sleep 60 ;; esac\n'
    )
    before = tree.products()
    source = tree.path / "apps/hello/hello.c"
    text = source.read_text()
    source.write_text(f"{text}\nint changed = 1;\n")
    waits.touch()
    process = tree.start("-j1", "hello")
    while waits.exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    source.write_text(text)
    tree.scons("hello")
    assert_same(before, tree.products())


def test_a_step_that_failed_and_left_its_file_is_done_when_the_input_is_back(
    tree: Tree, toolbox: Toolbox
) -> None:
    before = tree.products()
    toolbox.wrap("bpftool", "bpftool", first='case "$*" in *skeleton*) echo half; exit 1 ;; esac')
    shutil.rmtree(tree.app("hello"))
    tree.scons("hello", env=toolbox.first, status=2)
    tree.scons()
    assert_same(before, tree.products())


def test_a_source_that_is_broken_and_mended_gives_the_first_bytes(tree: Tree) -> None:
    before = tree.products()
    for name in ("hello.c", "hello.bpf.c"):
        tree.append(f"apps/hello/{name}", "broken\n")
        tree.scons("hello", status=2)
        tree.edit(f"apps/hello/{name}", "broken\n", "")
        tree.scons("hello")
        assert_same(before, tree.products())


def test_a_wrong_object_under_the_temporary_name_is_not_taken(tree: Tree) -> None:
    before = tree.products()
    for path in list(tree.build.rglob("*.[oah]")):
        if not path.is_relative_to(tree.build / "third_party"):
            path.with_name(f"{path.name}.tmp").write_bytes(b"wrong")
    shutil.rmtree(tree.app("hello"))
    (tree.variant / "third_party/libz.a").unlink()
    tree.scons()
    left = {name for name in tree.products() if name.endswith(".tmp")}
    assert_same(before, {k: v for k, v in tree.products().items() if k not in left})


def test_a_damaged_database_costs_time_and_nothing_else(tree: Tree) -> None:
    before = tree.products()
    database = tree.build / "sconsign"
    for size in (0, 10, 1000):
        database.write_bytes(database.read_bytes()[:size])
        tree.scons("hello")
        assert_same(before, tree.products())


def test_a_damaged_journal_costs_time_and_nothing_else(tree: Tree) -> None:
    before = tree.products()
    lose_zlib(tree)
    tree.interrupt(8, signal.SIGKILL, "-j2")
    journal = tree.build / "journal"
    whole = journal.read_bytes()
    assert whole
    for damaged in (whole[:-1], whole[:100], bytes(len(whole)), whole[:-20] + b"x" * 20):
        journal.write_bytes(damaged)
        tree.scons()
        assert_same(before, tree.products())


def test_damaged_answers_of_tools_are_asked_again(tree: Tree) -> None:
    (tree.build / "probes.json").write_text("[")
    assert tree.scons().made == []


def test_a_lost_or_damaged_state_file_rebuilds_nothing(tree: Tree) -> None:
    folder = tree.variant / "third_party"
    (folder / "zlib.state").unlink()
    (folder / "libelf.state").write_text("{}")
    (folder / "libbpf.state").write_bytes(b"\xff")
    assert tree.scons().made == []


def test_two_builds_at_once_in_one_tree_do_no_harm(tree: Tree) -> None:
    """Both may do the same work; or one refuses. Never is there a wrong byte or a traceback."""
    before = tree.products()
    shutil.rmtree(tree.variant / "apps")
    lose_zlib(tree)
    both = [tree.start("-j1"), tree.start("-j1")]
    said = [process.communicate(timeout=200)[0] for process in both]
    for process, text in zip(both, said, strict=True):
        assert "Traceback" not in text, text
        assert process.returncode == 0, text
    tree.scons()
    assert_same(before, tree.products())


def test_a_lone_killed_scons_and_the_compilers_that_outlive_it_do_no_harm(tree: Tree) -> None:
    before = tree.products()
    lose_zlib(tree)
    process = tree.start("-j2")
    while len(tree.commands()) < 3 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.stdout.close()  # type: ignore[union-attr]
    process.wait(timeout=60)
    tree.scons()
    assert_same(before, tree.products())


HINT = "hint: finished steps are kept: run the same command to continue\n"
LINES = {signal.SIGINT: "error: interrupted\n", signal.SIGTERM: "error: terminated\n"}


@pytest.mark.parametrize("number", LINES, ids=lambda number: number.name)
@pytest.mark.parametrize("whole_group", [True, False])
def test_an_interrupted_build_says_so_in_one_line(
    tree: Tree, number: signal.Signals, whole_group: bool
) -> None:
    """A terminal signals the whole group, `kill` the one process."""
    lose_zlib(tree)
    process = tree.start("-j2")
    while len(tree.commands()) < 2:
        time.sleep(0.005)
    (os.killpg if whole_group else os.kill)(process.pid, number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, printed
    steps, _, message = printed.partition(LINES[number])
    assert message == HINT, printed
    assert not [line for line in steps.splitlines() if not line.startswith("  ")]
    assert _ends(process.pid)
    tree.scons()


@pytest.mark.parametrize("number", LINES, ids=lambda number: number.name)
def test_a_signal_while_scripts_are_read_ends_in_one_line(
    tree: Tree, number: signal.Signals
) -> None:
    script = 'import time\nprint("reading", flush=True)\ntime.sleep(60)\n'
    (tree.source("hello") / "SConscript").write_text(script)
    process = tree.start("hello")
    assert process.stdout is not None
    assert process.stdout.readline() == "reading\n"
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed) == (128 + number, LINES[number] + HINT)


@pytest.mark.parametrize("number", LINES, ids=lambda number: number.name)
def test_a_signal_at_any_moment_of_the_start_ends_in_one_line(
    tree: Tree, number: signal.Signals
) -> None:
    command = [sys.executable, "base/launch.py", *tree.command("-n")[1:]]
    ended = []
    for moment_s in (0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.14, 0.18, 0.22, 0.26, 0.3):
        process = subprocess.Popen(
            command,
            cwd=tree.path,
            env=tree.environment({}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # As ./dev does by env(1): Python starts with both signals blocked.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, LINES),
        )
        time.sleep(moment_s)
        process.send_signal(number)
        _, printed = process.communicate(timeout=60)
        if process.returncode:
            assert process.returncode == 128 + number, printed
            assert printed in (LINES[number], LINES[number] + HINT)
            ended.append(moment_s)
    assert ended


@pytest.mark.parametrize("options", [("-j2",), ("-j2", "-k")])
def test_a_signal_ends_the_build_whichever_thread_gets_it(
    tree: Tree, options: tuple[str, ...]
) -> None:
    lose_zlib(tree)
    process = tree.start(*options)
    while len(tree.commands()) < 2:
        time.sleep(0.005)
    last = max(int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir())
    assert last != process.pid, "there is only the main thread"
    ctypes.CDLL(None).tgkill(process.pid, last, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert len(tree.commands()) < 8, "the build went on"
    assert "error: interrupted\n" in printed


def _ends(group: int) -> bool:
    """Return whether a process group has ended, within a moment."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
