"""Bad input ends in one message with the cause and the next step, status 2, and no traceback.

After each, nothing half-made is taken for finished: the next good build gives the right bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkout import ARCH, TRIPLE, Result, Tree, assert_same
from toolbox import real

LIST = "hint: scons list shows the apps\n"
HELLO = f"build/{ARCH}-gnu/apps/hello"


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("aap=hello", "error: unknown option aap\nhint: did you mean app?\n"),
        ("xyz=1", "error: unknown option xyz\nhint: scons -h lists the options\n"),
        ("arch=arm64", "error: unknown option arch\nhint: did you mean ARCH?\n"),
        ("ARCH=arm46", "error: ARCH=arm46 is not known\nhint: did you mean arm64?\n"),
        ("ARCH=mips", "error: ARCH=mips is not known\nhint: it may be arm64, x86_64\n"),
        ("mode=relase", "error: mode=relase is not known\nhint: did you mean release?\n"),
        ("link=", "error: link= is not known\nhint: it may be static, dynamic\n"),
        ("offline=yes", "error: offline=yes is not known\nhint: it may be 0, 1\n"),
        ("V=2", "error: V=2 is not known\nhint: it may be 0, 1\n"),
        ("app=helo", "error: there is no app helo\nhint: did you mean hello?\n"),
        ("app=hello,mny", "error: there is no app mny\nhint: did you mean many?\n"),
        ("helo", "error: there is no app helo\nhint: did you mean hello?\n"),
        ("doktor", "error: there is no app doktor\nhint: did you mean doctor?\n"),
        ("app=xyz", f"error: there is no app xyz\n{LIST}"),
        (
            "app=../apps",
            f"error: there is no app ../apps\n{LIST}",
        ),
        (
            "apps_dir=nowhere",
            "error: apps_dir=nowhere: No such file or directory\n"
            "hint: apps_dir= takes a folder of apps: "
            "one folder per app, or NAME.bpf.c and NAME.c\n",
        ),
        (
            "apps_dir=SConstruct",
            "error: apps_dir=SConstruct: Not a directory\n"
            "hint: apps_dir= takes a folder of apps: "
            "one folder per app, or NAME.bpf.c and NAME.c\n",
        ),
        (
            "toolchain=gcc",
            "error: toolchain=gcc is not known\nhint: it may be auto, gnu, ndk, musl, zig\n",
        ),
    ],
)
def test_wrong_options_and_names_are_reported(refusing: Tree, argument: str, text: str) -> None:
    result = refusing.scons(argument, status=2)
    assert result.err == text
    assert result.out == ""
    assert result.commands == []


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("app=", "error: app= has no value\n"),
        ("app=,", "error: app=, names no app\n"),
        ("apps_dir=", "error: apps_dir= has no value\n"),
        ("kernels=,", "error: kernels=, names no kernel\n"),
        ("app=\udcff", "error: \\udcff is not UTF-8\n"),
        ("args=\udcff", "error: \\udcff is not UTF-8\n"),
        ("apps_dir=\udcff", "error: \\udcff is not UTF-8\n"),
        ("kernels=\udcff", "error: \\udcff is not UTF-8\n"),
        ("\udcff=1", "error: \\udcff is not UTF-8\n"),
        ("\udcff", "error: there is no target \\udcff\n"),
        ("build/\x1b[31m", "error: there is no target build/\\x1b[31m\n"),
        ("ARCH=\x1b[31m", "error: ARCH=\\x1b[31m is not known\n"),
        ("ndk=\x1b[31m", "error: ndk=\\x1b[31m is no NDK: it has no source.properties\n"),
        ("ARCH=arm64 ", "error: ARCH=arm64  is not known\n"),
        ("app=hello/../many", "error: there is no app hello/../many\n"),
    ],
)
def test_argument_that_means_nothing_is_refused(refusing: Tree, argument: str, text: str) -> None:
    result = refusing.scons(argument, status=2)
    assert result.err.startswith(text)
    assert len(result.err.splitlines()) == 2
    assert result.err.replace("\n", "").isprintable()


def test_app_that_is_named_twice_is_built_once(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "int more;\n")
    result = tree.scons("app=hello,hello", "hello")
    assert len([command for command in result.commands if "-c" in command]) == 1


def test_value_of_an_option_is_no_code(tree: Tree) -> None:
    code = '${__import__("os").system("touch WITNESS")}'
    for option in ("ARCH", "app", "apps_dir", "kernels", "args", "ndk", "mirror", "kernel", "mode"):
        tree.run(f"{option}={code}", "hello")
    tree.run(code)
    assert not (tree.path / "WITNESS").exists()


def test_log_that_cannot_be_written_is_reported(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "int more;\n")
    result = tree.scons("hello", env={"DROIDBPF_STEP_LOG": "no/log\n"}, status=2)
    assert result.err == (
        "error: cannot write no/log\\n: No such file or directory\n"
        "hint: DROIDBPF_STEP_LOG takes a file\n"
    )
    assert result.out == ""


def test_run_of_several_apps_asks_which(tree: Tree) -> None:
    result = tree.scons("run", status=2)
    assert result.err == "error: run takes one app, not 2\nhint: name it: app=NAME run\n"


def test_syntax_error_in_a_bpf_source_is_reported_by_clang_and_then_in_one_line(tree: Tree) -> None:
    before = tree.products()
    tree.append("apps/hello/hello.bpf.c", "int broken(void) { return 1 }\n")
    result = tree.scons("hello", status=2)
    lines = result.err.splitlines()
    number = tree.source("hello/hello.bpf.c").read_text().count("\n")
    assert lines[0] == (
        f"apps/hello/hello.bpf.c:{number}:28: error: expected ';' after return statement"
    )
    assert lines[-2] == "error: clang-19 failed on apps/hello/hello.bpf.c (status 1)".replace(
        "clang-19", Path(real("clang")).name
    )
    assert lines[-1].startswith(
        f"hint: its messages are above; the command was: {real('clang')} -target bpf "
    )
    assert lines[-1].endswith(f" -c apps/hello/hello.bpf.c -o {HELLO}/hello.tmp.bpf.o.tmp")
    tree.edit("apps/hello/hello.bpf.c", "int broken(void) { return 1 }\n", "")
    tree.scons()
    assert_same(before, tree.products())


def test_error_in_a_c_source_is_reported_by_the_compiler_and_then_in_one_line(tree: Tree) -> None:
    tree.append("apps/hello/hello.c", "broken\n")
    result = tree.scons("hello", status=2)
    assert "apps/hello/hello.c:" in result.err
    reported = f"error: {TRIPLE}-gcc failed on apps/hello/hello.c (status 1)"
    assert result.err.splitlines()[-2] == reported


def test_missing_header_is_reported_by_the_compiler(tree: Tree) -> None:
    tree.source("hello/inc/nested.h").unlink()
    result = tree.scons("hello", status=2)
    assert "'inc/nested.h' file not found" in result.err


def _mended(tree: Tree, before: dict[str, str], name: str, text: str) -> None:
    tree.source(name).write_text(text)
    tree.scons("-k")
    assert_same(before, tree.products())


def test_bpf_source_without_a_license_is_reported(tree: Tree) -> None:
    before, source = tree.products(), tree.source("hello/hello.bpf.c").read_text()
    tree.edit("apps/hello/hello.bpf.c", 'char LICENSE[] SEC("license") = "Dual BSD/GPL";', "")
    result = tree.scons("hello", status=2)
    assert _told(result) == (
        "error: apps/hello/hello.bpf.c has no license\n"
        'hint: add: char LICENSE[] SEC("license") = "Dual BSD/GPL";\n'
    )
    assert tree.scons("hello", status=2).made == ["apps/hello/hello.tmp.bpf.o"]
    _mended(tree, before, "hello/hello.bpf.c", source)


@pytest.mark.parametrize("text", ["", "static int unused;\n", "int f(int a) { return a; }\n"])
def test_bpf_source_without_a_program_is_reported(tree: Tree, text: str) -> None:
    before, source = tree.products(), tree.source("hello/hello.bpf.c").read_text()
    tree.source("hello/hello.bpf.c").write_text(
        f'{text}char LICENSE[] __attribute__((section("license"), used)) = "GPL";\n'
    )
    result = tree.scons("hello", status=2)
    assert _told(result) == (
        "error: apps/hello/hello.bpf.c has no BPF program\n"
        "hint: put a function into a program section: "
        'SEC("raw_tp/sys_enter") int name(void *ctx)\n'
    )
    _mended(tree, before, "hello/hello.bpf.c", source)


def _told(result: Result) -> str:
    """Return our message, which follows SCons's line about the target."""
    lines = result.err.splitlines(keepends=True)
    while lines and lines[0].startswith(("scons: ***", "apps/", " ", "1 warning")):
        lines.pop(0)
    return "".join(lines)


def test_folder_without_the_bpf_source_of_its_name_is_reported(tree: Tree) -> None:
    tree.source("hello/hello.bpf.c").rename(tree.source("hello/other.bpf.c"))
    result = tree.scons("hello", status=2)
    assert result.err == (
        "error: apps/hello has no hello.bpf.c\n"
        "hint: an app hello needs hello.bpf.c and hello.c; apps_dir=apps/hello builds other\n"
    )


def test_folder_without_a_user_space_side_is_reported(tree: Tree) -> None:
    tree.source("hello/hello.c").unlink()
    result = tree.scons("hello", status=2)
    assert result.err == (
        "error: apps/hello has no hello.c\nhint: an app needs a user space side\n"
    )


def test_unfinished_app_does_not_hinder_the_others(tree: Tree) -> None:
    tree.source("empty").mkdir()
    tree.assert_up_to_date("hello")
    assert tree.scons("empty", status=2).err.startswith("error: apps/empty has no empty.bpf.c\n")


def test_corrupt_btf_is_reported(tree: Tree) -> None:
    before = tree.products()
    path = tree.path / f"vmlinux/{ARCH}.btf.xz"
    content = path.read_bytes()
    for wrong in (b"no xz", content[:1000]):
        path.write_bytes(wrong)
        result = tree.scons("hello", status=2)
        assert f"vmlinux/{ARCH}.btf.xz" in result.err
    path.write_bytes(content)
    tree.scons()
    assert_same(before, tree.products())


def test_build_folder_that_is_a_file_is_reported(tree: Tree) -> None:
    tree.forget()
    tree.build.touch()
    result = tree.scons(status=2)
    assert result.err == (
        "error: cannot make the folder build: File exists\n"
        "hint: a build writes only there: make it writable, or work in a copy of this folder\n"
    )


def test_folder_in_the_place_of_an_output_is_reported(tree: Tree) -> None:
    before = tree.products()
    for name in ("hello.o", "hello.skel.h", "hello.tmp.bpf.o", "hello"):
        (tree.app("hello") / name).unlink()
        (tree.app("hello") / name / "deep").mkdir(parents=True)
        for options in ((), ("-k",)):
            lines = tree.scons("hello", *options, status=2).err.splitlines()
            assert any(line.startswith(f"error: {HELLO}/{name} was not built: ") for line in lines)
        shutil.rmtree(tree.app("hello") / name)
        tree.scons("hello")
        assert_same(before, tree.products())


@pytest.mark.parametrize("place", ["gone", "folder", "link"])
def test_header_that_is_no_file_is_reported(tree: Tree, place: str) -> None:
    header = tree.source("hello/hello.h")
    header.unlink()
    if place == "folder":
        header.mkdir()
    if place == "link":
        header.symlink_to("nowhere")
    for options in ((), ("-k",)):
        lines = tree.scons("hello", *options, status=2).err.splitlines()
        assert [line for line in lines if line.startswith(("error: ", "hint: "))]
