"""A name is a name: whatever a file or folder is called, nothing of it is run or expanded."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from checkout import Tree

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
BPF = """\
#define SEC(name) __attribute__((section(name), used))
char LICENSE[] SEC("license") = "GPL";
SEC("raw_tp/sys_enter") int enter(void *context) { return VALUE; }
"""


def write(path: Path, text: str) -> None:
    path.write_bytes(os.fsencode(text))


def included(name: str) -> str:
    return f"#include <{name}>\n" if '"' in name else f'#include "{name}"\n'


def app(folder: Path, name: str) -> None:
    """Write a small app."""
    folder.mkdir(parents=True, exist_ok=True)
    header = included(f"{name}.h")
    write(folder / f"{name}.h", "#define VALUE 0\n")
    write(folder / f"{name}.bpf.c", f"{header}{BPF}")
    skeleton = f"#include <bpf/libbpf.h>\n{included(f'{name}.skel.h')}"
    write(folder / f"{name}.c", f"{skeleton}{header}int main(void) {{ return VALUE; }}\n")


def in_folder(tree: Tree, name: str) -> list[str]:
    app(tree.source(name), name)
    return []


def in_flat_folder(tree: Tree, name: str) -> list[str]:
    app(tree.path / "flat", name)
    return ["apps_dir=flat"]


def in_source(tree: Tree, name: str) -> list[str]:
    app(tree.source("plain"), "plain")
    (tree.source("plain") / f"{name}.c").write_text("int more;\n")
    return []


def in_program(tree: Tree, name: str) -> list[str]:
    app(tree.source("plain"), "plain")
    (tree.source("plain") / f"{name}.bpf.c").write_text(f"#define VALUE 0\n{BPF}")
    return []


def in_header(tree: Tree, name: str) -> list[str]:
    app(tree.source("plain"), "plain")
    write(tree.source("plain") / f"{name}.h", "")
    write(tree.source("plain") / "more.c", included(f"{name}.h"))
    return []


def in_library(tree: Tree, name: str) -> list[str]:
    app(tree.source("plain"), "plain")
    tree.source("_common").mkdir()
    (tree.source("_common") / f"{name}.c").write_text("int more;\n")
    return []


def in_flat_library(tree: Tree, name: str) -> list[str]:
    app(tree.path / "flat", "plain")
    (tree.path / f"flat/{name}.c").write_text("int more;\n")
    return ["apps_dir=flat"]


def in_apps_dir(tree: Tree, name: str) -> list[str]:
    app(tree.path / name / "plain", "plain")
    app(tree.path / name / "_common", "_x")
    (tree.path / name / "_common/_x.bpf.c").unlink()
    (tree.path / name / "_common/_x.c").write_text("int more;\n")
    return [f"apps_dir={name}"]


def in_flat_apps_dir(tree: Tree, name: str) -> list[str]:
    app(tree.path.parent / name, "plain")
    return [f"apps_dir=../{name}"]


def in_checkout(tree: Tree, name: str) -> list[str]:
    app(tree.source("plain"), "plain")
    tree.path = tree.path.rename(tree.path.parent / name)
    return []


PLACES = (
    *(in_folder, in_flat_folder, in_source, in_program, in_header, in_library, in_flat_library),
    *(in_apps_dir, in_flat_apps_dir, in_checkout),
)


@pytest.fixture(scope="module")
def bare(template: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The template without its apps."""
    tree = template.copy(tmp_path_factory.mktemp("bare") / "tree")
    shutil.rmtree(tree.path / "apps")
    (tree.path / "apps").mkdir()
    return tree


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_name_is_built_or_refused_in_a_line(
    bare: Tree, tmp_path: Path, place: object, name: str
) -> None:
    tree = bare.copy(tmp_path / "tree")
    arguments = place(tree, name)  # type: ignore[operator]
    dry = tree.run("-n", *arguments)
    done = tree.run(*arguments)
    said = dry.out + dry.err + done.out + done.err
    assert not list(tmp_path.rglob(WITNESS)), "the name was run"
    assert re.sub(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]", "", said) == "", repr(said)
    if done.status == 0:
        made = [path for path in (tree.variant / "apps").glob("*/*") if path.stem == path.name]
        assert made
        tree.assert_up_to_date(*arguments)
    else:
        assert done.status == 2, said
        assert re.fullmatch(r"error: .+\nhint: .+\n", done.err), done.err
    shutil.rmtree(tmp_path)
