"""Another architecture, C++, and an app that runs here: a second whole build in one tree."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import flat
import pytest
from checkout import Tree, assert_same
from elftools.elf.elffile import ELFFile
from toolbox import Toolbox

CPP = """\
#include <cstdio>
#include <string>
#include <vector>

extern "C" {
#include "hello.h"
}
#include "hello.skel.h"

int main(int argc, char **argv)
{
	std::vector<std::string> words(argv + 1, argv + argc);
	hello *skeleton = hello::open();

	if (!skeleton)
		return 1;
	for (const auto &word : words)
		std::printf("[%s]", word.c_str());
	hello::destroy(skeleton);
	return 7;
}
"""


def test_a_second_target_changes_no_byte_of_the_first(template: Tree, host_tree: Tree) -> None:
    first = template.products()
    assert_same(
        first, {name: hash_ for name, hash_ in host_tree.products().items() if name in first}
    )
    host_tree.assert_up_to_date("hello")


def test_the_program_runs_and_shows_no_path_of_its_making(host_tree: Tree) -> None:
    program = host_tree.app("hello") / "hello"
    with program.open("rb") as file:
        assert ELFFile(file)["e_machine"] == "EM_X86_64"
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout == "apps/hello/hello.c: 1 program, nested 1\n"


@pytest.fixture
def with_cxx(host_tree: Tree, tmp_path: Path) -> Tree:
    """A tree of the test's own, for x86_64, where there is a C++ compiler."""
    if not (shutil.which("x86_64-linux-gnu-g++") or shutil.which("g++")):
        pytest.skip("g++ is not on this machine")
    return host_tree.copy(tmp_path / "tree")


def test_run_hands_arguments_and_status_of_a_cpp_app_through(with_cxx: Tree) -> None:
    tree = with_cxx
    tree.source("hello/hello.c").unlink()
    tree.source("hello/hello.cpp").write_text(CPP)
    result = tree.scons("app=hello", "args='two words' -x", "run", status=7)
    assert result.out.splitlines()[-1] == "[two words][-x]"
    assert result.made == ["apps/hello/hello", "apps/hello/hello.cpp.o"]


def test_a_signal_to_a_run_is_the_apps(host_tree: Tree, tmp_path: Path) -> None:
    tree = host_tree.copy(tmp_path / "tree")
    waits = '\tputs("waits");\n\tfflush(stdout);\n\tsleep(60);\n'
    tree.edit("apps/hello/hello.c", "int main(void)\n{\n", f"int main(void)\n{{\n{waits}")
    tree.edit("apps/hello/hello.c", "#include", "#include <unistd.h>\n#include")
    process = tree.start("app=hello", "run")
    assert process.stdout is not None
    while process.stdout.readline() != "waits\n":
        assert process.poll() is None
    process.terminate()
    printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed) == (-signal.SIGTERM, "")


def test_another_cpp_compiler_rebuilds_what_is_cpp_and_nothing_else(
    with_cxx: Tree, toolbox: Toolbox
) -> None:
    tree = with_cxx
    tree.source("hello/more.cpp").write_text("int more;\n")
    tree.env = toolbox.first
    for comment in ("one", "another"):
        toolbox.wrap("x86_64-linux-gnu-g++", "g++", first=f": {comment}")
        result = tree.scons("app=hello")
        assert result.bpf_and_apps == ["apps/hello/hello", "apps/hello/more.cpp.o"]
        assert result.made == result.bpf_and_apps


def test_an_app_in_c_links_what_all_share_in_cpp(with_cxx: Tree, tmp_path: Path) -> None:
    folder = flat.write(tmp_path / "flat", "one")
    (folder / "shared.c").unlink()
    (folder / "shared.cpp").write_text(
        "#include <string>\n"
        "extern \"C\" int shared(void) { return std::stoi(std::string(1, '5')); }\n"
    )
    with_cxx.scons(f"apps_dir={folder}", "one")
    done = subprocess.run(
        [with_cxx.app("one") / "one"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "one 5 7\n"
