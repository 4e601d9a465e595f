"""A name is a name: whatever a file or folder is called, nothing of it is run or expanded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Result, Tree

WITNESS = "WITNESS"
CODE = f'z${{__import__("os").system("touch {WITNESS}")}}'
NAMES = {
    "dollar": "z$HOME $(z$) $$",
    "code": CODE,
    "quotes": "z \"quoted  twice\" 'and' z",
    "quoted": '"z z"',
    "signs": "z#z>&|;z*",
    "brackets": "z$(z",
    "redirected": "z>",
    "hash": "#z",
    "dash": "-z",
    "newline": "z\nz",
    "escape": "z\x1b[31mz",
    "equals": "z=z",
    "latin": os.fsdecode(b"z\xff"),
}
REFUSED = ("dollar", "brackets", "hash", "dash", "newline", "escape", "latin")
ACCEPTED = tuple(key for key in NAMES if key not in REFUSED)
SOURCE = "typedef int more;\n"
BPF = """\
#define SEC(name) __attribute__((section(name), used))
char LICENSE[] SEC("license") = "GPL";
SEC("raw_tp/sys_enter") int enter(void *context) { return VALUE; }
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(text))


def included(name: str) -> str:
    return f"#include <{name}>\n" if '"' in name else f'#include "{name}"\n'


def app(folder: Path, name: str) -> Path:
    """Write a small app."""
    header = included(f"{name}.h")
    write(folder / f"{name}.h", "#define VALUE 0\n")
    write(folder / f"{name}.bpf.c", f"{header}{BPF}")
    skeleton = f"#include <bpf/libbpf.h>\n{included(f'{name}.skel.h')}"
    write(folder / f"{name}.c", f"{skeleton}{header}int main(void) {{ return VALUE; }}\n")
    return folder


def source(folder: Path, name: str) -> None:
    write(folder / f"{name}.c", SOURCE)


def program(folder: Path, name: str) -> None:
    write(folder / f"{name}.bpf.c", f"#define VALUE 0\n{BPF}")


def header(folder: Path, name: str) -> None:
    write(folder / f"{name}.h", "")
    with (folder / "plain.c").open("ab") as file:
        file.write(os.fsencode(included(f"{name}.h")))


def library(folder: Path, name: str) -> None:
    source(folder.with_name("_common"), name)


@pytest.fixture(scope="module")
def bare(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The template without its apps."""
    tree = template.copy(tmp_path_factory.mktemp("bare") / "tree")
    shutil.rmtree(tree.path / "apps")
    (tree.path / "apps").mkdir()
    return tree


@pytest.fixture
def own(bare: Tree, tmp_path: Path) -> Iterator[Tree]:
    """A copy of the test's own."""
    tree = bare.copy(tmp_path / "tree")
    yield tree
    shutil.rmtree(tree.path)


def run(tree: Tree, *arguments: str) -> Result:
    """Build, at first with -n; no name may be run or reach the terminal as it is."""
    dry = tree.run("-n", *arguments)
    done = tree.run(*arguments)
    printed = dry.out + dry.err + done.out + done.err
    assert not list(tree.path.parent.rglob(WITNESS)), "the name was run"
    assert re.sub(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]", "", printed) == "", repr(printed)
    return done


def assert_built(tree: Tree, *arguments: str) -> Result:
    done = run(tree, *arguments)
    assert done.status == 0, done.err
    assert (tree.app("plain") / "plain").is_file()
    return done


def not_built(result: Result, reason: str) -> list[str]:
    """Return the apps that -k names for a reason, in a line each; there is no other reason."""
    assert result.status == 2, result.err
    lines = [line for line in result.err.splitlines() if line.startswith("not built: ")]
    assert [line for line in lines if reason not in line] == []
    return [line.split(": ")[1] for line in lines]


def test_names_of_files_are_what_they_are(own: Tree) -> None:
    folder = app(own.source("plain"), "plain")
    for key in ACCEPTED:
        for place in (source, program, header, library):
            place(folder, NAMES[key])
    made = assert_built(own).made
    for key in ACCEPTED:
        objects = {f"apps/{name}" for name in (f"plain/{NAMES[key]}", f"_common/{NAMES[key]}")}
        assert {f"{name}.o" for name in objects} <= set(made)
    own.assert_up_to_date()


def test_names_of_a_flat_folders_files_are_what_they_are(own: Tree) -> None:
    folder = app(own.path / "flat", "plain")
    for key in ACCEPTED:
        source(folder, NAMES[key])
        header(folder, NAMES[key])
    made = assert_built(own, "apps_dir=flat").made
    assert {f"apps/_common/{NAMES[key]}.o" for key in ACCEPTED} <= set(made)
    own.assert_up_to_date("apps_dir=flat")


def test_names_that_no_file_may_have_are_refused_in_a_line(own: Tree) -> None:
    app(own.source("plain"), "plain")
    names = []
    for place in (source, program, header):
        for key in REFUSED:
            names.append(f"{place.__name__}-{key}")
            folder = app(own.source(names[-1]), names[-1])
            write(folder / "plain.c", SOURCE)
            place(folder, NAMES[key])
    assert not_built(run(own, "-k"), ": a source cannot have such a name") == sorted(names)
    assert (own.app("plain") / "plain").is_file()


@pytest.mark.parametrize("flat", [False, True])
def test_name_that_no_shared_file_may_have_is_refused_in_a_line(own: Tree, flat: bool) -> None:
    folder = app(own.path / "flat" if flat else own.source("plain"), "plain")
    place = folder if flat else own.source("_common")
    for key in REFUSED:
        source(place, NAMES[key])
        done = run(own, *(["apps_dir=flat"] if flat else []))
        assert (done.status, done.commands) == (2, [])
        assert re.fullmatch(r"error: .+: a source cannot have such a name\nhint: .+\n", done.err)
        (place / f"{NAMES[key]}.c").unlink()


@pytest.mark.parametrize("flat", [False, True])
def test_names_that_no_app_may_have_are_refused_in_a_line(own: Tree, flat: bool) -> None:
    app(own.path / "flat" if flat else own.source("plain"), "plain")
    for name in NAMES.values():
        app(own.path / "flat" if flat else own.source(name), name)
    done = run(own, "-k", *(["apps_dir=flat"] if flat else []))
    assert len(not_built(done, ": an app cannot be called ")) == len(NAMES)
    assert (own.app("plain") / "plain").is_file()


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_name_of_the_checkout_and_of_a_folder_of_apps_is_a_name_or_refused(
    own: Tree, tmp_path: Path, name: str
) -> None:
    own.path = own.path.rename(tmp_path / name)
    app(own.path / name / "plain", "plain")
    write(own.path / name / "_common/shared.c", SOURCE)
    app(tmp_path / "flat" / name, "plain")
    app(own.source("plain"), "plain")
    for argument in (f"apps_dir={name}", f"apps_dir=../flat/{name}", "apps_dir=apps"):
        shutil.rmtree(own.variant / "apps", ignore_errors=True)
        done = run(own, argument)
        if done.status == 0:
            assert "apps/plain/plain" in done.made
            own.assert_up_to_date(argument)
        else:
            assert done.status == 2, done.err
            assert re.fullmatch(r"error: .+\nhint: .+\n", done.err), done.err
