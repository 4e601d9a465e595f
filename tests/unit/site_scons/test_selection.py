"""Which apps a command line asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

import selection
from base.errors import DroidbpfError

VARIANT = "build/arm64-gnu"
KNOWN = ["execsnoop", "opensnoop", "syscall_mon"]


def chosen(app: str = "all", *targets: str) -> list[str]:
    return list(selection.chosen(KNOWN, app, targets, VARIANT))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Targets that are files of the working folder are no apps."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_asks_for_all() -> None:
    assert chosen() == KNOWN


def test_the_option_names_apps() -> None:
    assert chosen("opensnoop") == ["opensnoop"]
    assert chosen("syscall_mon,opensnoop") == ["syscall_mon", "opensnoop"]


def test_an_app_that_is_named_twice_is_chosen_once() -> None:
    assert chosen("opensnoop,opensnoop", "opensnoop") == ["opensnoop"]


def test_a_target_names_an_app() -> None:
    assert chosen("all", "opensnoop") == ["opensnoop"]


@pytest.mark.parametrize("file", ["opensnoop", "opensnoop.bpf.o", "deep/down.o"])
def test_a_file_of_an_app_chooses_it(file: str) -> None:
    assert chosen("all", f"{VARIANT}/apps/opensnoop/{file}") == ["opensnoop"]


def test_a_file_of_a_library_chooses_no_app() -> None:
    assert chosen("all", f"{VARIANT}/third_party/libz.a") == []


@pytest.mark.parametrize("verb", ["run", "compile_commands.json"])
def test_a_verb_leaves_the_choice_to_the_option(verb: str) -> None:
    assert chosen("all", verb) == KNOWN
    assert chosen("opensnoop", verb) == ["opensnoop"]
    assert chosen("all", "opensnoop", verb) == ["opensnoop"]


def test_an_app_goes_before_a_file_of_its_name(here: Path) -> None:
    (here / "opensnoop").mkdir()
    assert chosen("all", "opensnoop") == ["opensnoop"]


def test_a_file_of_the_working_folder_is_no_app(here: Path) -> None:
    (here / "README").touch()
    assert chosen("all", "README") == []


@pytest.mark.parametrize(
    ("app", "targets", "text"),
    [
        ("syscal_mon", (), "error: there is no app syscal_mon\nhint: did you mean syscall_mon?"),
        ("all", ("opensnop",), "error: there is no app opensnop\nhint: did you mean opensnoop?"),
        ("all", ("docter",), "error: there is no app docter\nhint: did you mean doctor?"),
        ("xyz", (), "error: there is no app xyz\nhint: scons list shows the apps"),
        (
            "all",
            (f"{VARIANT}/apps/opensnop/opensnop.o",),
            "error: there is no app opensnop\nhint: did you mean opensnoop?",
        ),
    ],
)
def test_an_unknown_app_is_reported_with_the_nearest_name(
    app: str, targets: tuple[str, ...], text: str
) -> None:
    with pytest.raises(DroidbpfError) as caught:
        chosen(app, *targets)
    assert str(caught.value) == text


def test_apps_are_the_folders_but_hidden_ones(here: Path) -> None:
    for name in ("b", "a", ".git", "_template"):
        (here / "apps" / name).mkdir(parents=True)
    (here / "apps" / "README.md").touch()
    (here / "apps" / "link").symlink_to("a")
    assert selection.layout("apps") == ("apps", False, ["a", "b", "link"], ())


def test_a_flat_folder_has_an_app_for_each_bpf_program(here: Path) -> None:
    (here / "apps").mkdir(exist_ok=True)
    for name in ("b.bpf.c", "a.bpf.c", "a.c", "b.cpp", "shared.c", "more.cc", "a.h", ".b.c"):
        (here / "apps" / name).touch()
    (here / "apps" / "arm64").mkdir()
    layout = selection.layout("apps")
    assert layout == ("apps", True, ["a", "b"], ("more.cc", "shared.c"))


def test_no_folder_of_apps_is_reported() -> None:
    with pytest.raises(DroidbpfError) as caught:
        selection.layout("nowhere")
    assert str(caught.value) == (
        "error: apps_dir=nowhere: No such file or directory\n"
        "hint: apps_dir= takes a folder of apps: one folder per app, or NAME.bpf.c and NAME.c"
    )


def test_a_thousand_apps_are_listed_without_looking_into_one(here: Path) -> None:
    for number in range(1000):
        (here / "apps" / f"app{number}").mkdir(parents=True)
    assert len(selection.layout("apps").names) == 1000


def test_a_folder_below_here_is_named_from_here(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert selection.normal("apps/") == "apps"
    assert selection.normal("./a/../apps") == "apps"
    assert selection.normal(f"{here}/apps") == "apps"
    assert selection.normal("../apps") == str(here.parent / "apps")
    assert selection.normal(f"{here}-sibling/apps") == f"{here}-sibling/apps"
    monkeypatch.setenv("HOME", "/home/somebody")
    assert selection.normal("~/apps") == "/home/somebody/apps"


def test_one_program_can_be_run() -> None:
    assert selection.one({"opensnoop": "program"}) == "program"
    with pytest.raises(DroidbpfError) as caught:
        selection.one({"a": 1, "b": 2})
    assert str(caught.value) == "error: run takes one app, not 2\nhint: name it: app=NAME run"
