"""`./dev btfhub report` on small and real BTFs, and the picture of its page."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import small_kernels
from bpf_objects import HUB, ROOT, compiled
from hubs import SHIPPED
from small_programs import program

from btfhub.__main__ import main
from btfhub.lock import load

APP = """
struct task_struct { int pid, tgid; long state; } CORE;
struct signal_struct { int group_exit_code; } CORE;
SEC("raw_tp/x") int x(struct task_struct *t)
{
  out += t->pid + t->tgid + ((struct signal_struct *)t)->group_exit_code;
  return 0;
}
"""
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def app(folder: Path) -> Path:
    return compiled(folder, "app", APP)


@pytest.fixture(scope="module")
def old(folder: Path) -> Path:
    """An app that reads what newer kernels do not have."""
    code = """
    struct task_struct { long state; } CORE;
    SEC("raw_tp/x") int x(struct task_struct *t) { return t->state; }
    """
    return compiled(folder, "old", code)


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Path:
    """The BTF of a small kernel, with a release for its name."""
    more = "struct signal_struct { int group_exit_code; } signal;"
    return small_kernels.kernel(folder, "6.12.107+deb13-arm64", more=more)


@pytest.fixture(autouse=True)
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROIDBPF_CACHE", str(folder / "cache"))


def test_kernel_by_the_path_of_its_btf(
    app: Path, kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "mine.btf"
    other.write_bytes(kernel.read_bytes())
    page = tmp_path / "page.html"
    arguments = ["report", "--object", str(app), "--html", str(page), str(kernel), str(other)]
    assert main([*arguments, "--fail-on", "moved", "--fail-on", "missing"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "app: 3 relocations × 2 kernels: 1 layout"  # noqa: RUF001
    assert lines[2] == "A   2 kernels  6.12.107+deb13-arm64, mine"
    made = page.read_text()
    assert "mine" in made
    assert str(tmp_path) not in made

    assert main([*arguments, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert [kernel["name"] for kernel in reported["kernels"]] == ["6.12.107+deb13-arm64", "mine"]


def test_names_are_shown_without_what_terminals_obey(
    app: Path, kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = tmp_path / "\x1b[31m.bpf.o"
    hostile.write_bytes(app.read_bytes())
    other = tmp_path / "\x1b[32m.btf"
    other.write_bytes(kernel.read_bytes())
    assert main(["report", "--object", str(hostile), str(other)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\\x1b[31m: 3 relocations")
    assert "\x1b" not in out


def test_missing_relocation_fails_if_asked(
    old: Path, kernel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--object", str(old), str(kernel)]) == 0
    assert capsys.readouterr().err == ""
    assert main(["report", "--object", str(old), str(kernel), "--fail-on", "moved"]) == 0
    assert main(["report", "--object", str(old), str(kernel), "--fail-on", "missing"]) == 1
    line = "missing: task_struct.state on 6.12.107+deb13-arm64\n"
    assert capsys.readouterr().err == line


def test_wrong_paths_are_reported(
    app: Path, kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = str(tmp_path / "none.bpf.o")
    assert main(["report", "--object", none, str(kernel)]) == 2
    assert capsys.readouterr().err == (
        f"error: there is no file {none}\nhint: ./dev scons app=NAME builds NAME.bpf.o\n"
    )
    btf = str(tmp_path / "none.btf")
    assert main(["report", "--object", str(app), btf]) == 2
    assert f"error: cannot read {btf}: No such file" in capsys.readouterr().err
    page = f"{kernel}/page.html"
    assert main(["report", "--object", str(app), str(kernel), "--html", page]) == 2
    assert f"error: cannot write {page}: File exists" in capsys.readouterr().err


def test_damaged_btf_is_reported(app: Path, kernel: Path, tmp_path: Path, capsys) -> None:
    damaged = tmp_path / "damaged.btf"
    damaged.write_bytes(kernel.read_bytes()[:-1])
    assert main(["report", "--object", str(app), str(damaged)]) == 2
    assert f"error: {damaged}: BTF: its header states" in capsys.readouterr().err


MONTHS = ("2021-09", "2021-10", "2023-04", "lts", "tip")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A hub with a few real files of each branch."""
    names = [f"a12-5.10-{month}".removesuffix("-tip") for month in MONTHS]
    names += ["a13-5.10-2023-04", "a13-5.10-lts"]
    files = load(SHIPPED).files
    for file in (files[name] for name in [*names, "rock5b-5.10-f9d1b1529"] if name in files):
        if not (HUB / file.path).is_file():
            pytest.skip(
                f"no {HUB / file.path}: set DROIDBPF_TEST_ASSETS to the folder of test data"
            )
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).symlink_to(HUB / file.path)
    return tmp_path


def test_hub_is_reported(app: Path, old: Path, few: Path, capsys) -> None:
    arguments = ["report", "--hub", str(few), "--offline", "--object", str(app)]
    assert main([*arguments, "android12-5.10", "android13-5.10", "rock5b"]) == 0
    lines = capsys.readouterr().out.split("\n")
    files = len(list(few.rglob("*.btf.tar.xz")))
    assert lines[0] == f"app: 3 relocations × {files} kernels: 2 layouts"  # noqa: RUF001
    assert lines[1] == "month-independent on android12-5.10 and android13-5.10 (layout A)"
    assert f"A   {files - 1} kernels  android12-5.10 2021-09 … 2023-04, lts, tip" in lines
    arguments += ["--object", str(old), "--fail-on", "moved"]
    assert main([*arguments, "rock5b", "a12-5.10"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("app, old: 4 relocations ")
    assert "1 field unreliable on 1 kernel\n" in said.out
    assert "moved: task_struct.pid on rock5b-5.10-f9d1b1529\n" in said.err


def screenshot(*arguments: str | Path, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "docs" / "screenshot.py", *arguments]
    environment = os.environ | {"PATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><title>x</title><p>text")
    return path


def test_picture_without_a_browser_says_what_to_install(page: Path, tmp_path: Path) -> None:
    done = screenshot(page, tmp_path / "x.png", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        2,
        "error: chromium is not installed\nhint: install it: apt-get install chromium\n",
    )


def test_only_root_goes_without_the_sandbox(page: Path, tmp_path: Path, bin_: Path) -> None:
    script = (
        f'printf "%s\\n" "$@" > {tmp_path}/arguments\n'
        'for a; do [ "${a#--screenshot=}" = "$a" ] || '
        'printf "\\211PNG\\r\\n\\032\\n" > "${a#*=}"; done'
    )
    program(bin_, "chromium", script)
    done = screenshot(page, tmp_path / "x.png", "--dark", "--size", "390x844", path=f"{bin_}:/bin")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.png").read_bytes() == PNG
    given = (tmp_path / "arguments").read_text().split("\n")
    assert ("--no-sandbox" in given) == (os.geteuid() == 0)
    assert "--window-size=390,844" in given
    assert "--blink-settings=preferredColorScheme=0" in given
    assert page.as_uri() in given


def test_browser_that_fails_is_reported(page: Path, tmp_path: Path, bin_: Path) -> None:
    browser = program(bin_, "chromium", "echo no display >&2; exit 1")
    done = screenshot(page, tmp_path / "x.png", path=f"{bin_}:/bin")
    assert done.returncode == 2
    assert done.stderr == f"error: {browser} took no picture of {page}:\n  no display\n"
    assert not (tmp_path / "x.png").exists()


def test_real_browser_takes_a_picture_of_the_size_that_is_wanted(
    page: Path, tmp_path: Path
) -> None:
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("no chromium on this machine")
    done = screenshot(page, tmp_path / "x.png", "--size", "800x600", path=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (0, "")
    data = (tmp_path / "x.png").read_bytes()
    assert data.startswith(PNG)
    assert struct.unpack_from(">II", data, 16) == (800, 600)
