"""kernels= pulls, minimizes and embeds BTFs, redoes just what it must, and never embeds less."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import embedded
import pytest
from checkout import ROOT, Result, Tree

ASSETS = Path(os.environ.get("DROIDBPF_TEST_ASSETS") or ROOT.parent / "shared")
A12 = "a12-5.10-2022-05"
A12_LATER = "a12-5.10-2022-06"
A13 = "a13-5.10-2023-04"
FOLDERS = {"a12": "common-android12-5.10", "a13": "common-android13-5.10"}
SUFFIX = "-arm64.btf.tar.xz"
NEW_FIELD = ("real_parent, tgid)", "real_parent, tgid) + BPF_CORE_READ(task, exit_code)")


class Hub:
    """A hub folder with a few real files, a cache of its own, and the app `hello` built with it."""

    def __init__(self, tree: Tree, folder: Path, cache: Path) -> None:
        self.tree = tree
        self.folder = folder
        self.env = {"DROIDBPF_CACHE": str(cache)}

    def add(self, name: str) -> Path:
        """Put a real file into the hub."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ASSETS / "btfhub" / path.relative_to(self.folder), path)
        return path

    def path(self, name: str) -> Path:
        return self.folder / FOLDERS[name[:3]] / f"{name}{SUFFIX}"

    def build(self, kernels: str, *args: str, status: int = 0) -> Result:
        hub = f"btfhub={self.folder}"
        return self.tree.scons(
            f"kernels={kernels}", hub, "app=hello", *args, env=self.env, status=status
        )

    def embedded(self) -> dict[str, bytes]:
        """Return the embedded BTFs by their kernels' names."""
        text = (self.tree.app("hello") / "hello.btfs.c").read_text()
        array = text[text.index("{") : text.index("}")]
        data = bytes(int(number, 0) for number in re.findall(r"\b(?:0x[0-9a-f]+|\d+)\b", array))
        return {entry.key.name: entry.btf for entry in embedded.unpack(data)}


@pytest.fixture
def hub(tree: Tree, tmp_path: Path) -> Hub:
    if not (ASSETS / "btfhub").is_dir():
        pytest.skip(f"no {ASSETS}/btfhub: set DROIDBPF_TEST_ASSETS to the folder of test data")
    found = Hub(tree, tmp_path / "hub", tmp_path / "cache")
    for name in (A12, A13):
        found.add(name)
    return found


def minimized(result: Result) -> list[str]:
    """Return the kernels whose BTF a build minimized."""
    return sorted(re.findall(r"^  MINBTF   .*/btf/(.+)\.btf$", result.out, re.M))


def counted(result: Result) -> Counter[str]:
    """Return how often each step was run."""
    return Counter(line.split()[0] for line in result.out.splitlines() if line.startswith("  "))


def steps(result: Result) -> set[str]:
    return set(counted(result))


def test_named_kernels_are_embedded(hub: Hub) -> None:
    assert minimized(hub.build(f"{A12},{A13}")) == [A12, A13]
    embedded = hub.embedded()
    assert sorted(embedded) == [A12, A13]
    assert all(b"task_struct\0" in btf and b"tgid\0" in btf for btf in embedded.values())
    assert all(200 < len(btf) < 2000 for btf in embedded.values())


def test_branch_and_all_mean_what_the_hub_holds(hub: Hub) -> None:
    hub.add(A12_LATER)
    assert minimized(hub.build("android12-5.10")) == [A12, A12_LATER]
    result = hub.build("all")
    assert minimized(result) == [A13]
    assert "3 of the 38 files" in result.err
    assert sorted(hub.embedded()) == [A12, A12_LATER, A13]


def test_one_more_kernel_redoes_only_what_is_of_it(hub: Hub) -> None:
    hub.build(A12)
    result = hub.build(f"{A12},{A13}")
    assert minimized(result) == [A13]
    assert steps(result) == {"PULL", "MINBTF", "BTFS", "CC", "LINK"}


def test_new_relocation_minimizes_again_without_the_archives(hub: Hub) -> None:
    hub.build(f"{A12},{A13}")
    before = hub.embedded()
    shutil.rmtree(hub.folder)
    shutil.rmtree(hub.env["DROIDBPF_CACHE"])
    hub.folder.mkdir()
    hub.tree.edit("apps/hello/hello.bpf.c", *NEW_FIELD)
    result = hub.build(f"{A12},{A13}", "offline=1")
    assert minimized(result) == [A12, A13]
    after = hub.embedded()
    assert all(b"exit_code\0" in after[name] and after[name] != before[name] for name in after)


def test_change_that_relocates_nothing_new_stops_before_the_link(hub: Hub) -> None:
    hub.build(A12)
    hub.tree.append("apps/hello/hello.bpf.c", "/* the end */\n")
    assert steps(hub.build(A12)) <= {"BPF", "GENOBJ"}


def test_without_kernels_nothing_is_embedded(hub: Hub) -> None:
    program = hub.tree.app("hello") / "hello"
    before = program.read_bytes()
    hub.build(A12)
    assert steps(hub.build("")) == {"LINK"}
    assert program.read_bytes() == before


def test_app_without_relocations_embeds_nothing_and_says_so(hub: Hub) -> None:
    hub.tree.edit("apps/hello/hello.bpf.c", "BPF_CORE_READ(task, real_parent, tgid)", "task != 0")
    result = hub.build(A12)
    assert "hello has no CO-RE relocations: no BTF is embedded" in result.err
    assert "droidbpf_btfs" not in (hub.tree.app("hello") / "hello.btfs.c").read_text()


def test_own_btf_is_embedded_by_its_path_and_watched(hub: Hub, tmp_path: Path) -> None:
    own = hub.tree.path / "5.10.107-mine.btf"
    unpack(hub.path(A12), own)
    assert minimized(hub.build("./5.10.107-mine.btf")) == ["5.10.107-mine"]
    first = hub.embedded()["5.10.107-mine"]
    unpack(hub.path(A13), own)
    assert minimized(hub.build("./5.10.107-mine.btf")) == ["5.10.107-mine"]
    assert hub.embedded()["5.10.107-mine"] != first


def unpack(archive: Path, into: Path) -> None:
    from btfhub.archive import unpack

    into.write_bytes(unpack(archive)[1])


def test_own_btf_may_have_a_dollar_sign_in_its_name(hub: Hub) -> None:
    unpack(hub.path(A12), hub.tree.path / "5.10.107-$HOME.btf")
    hub.build("./5.10.107-$HOME.btf")
    assert b"task_struct\0" in hub.embedded()["5.10.107-$HOME"]


def test_hub_may_have_releases_by_distribution(hub: Hub) -> None:
    folders = [hub.folder / f"{name}/arm64" for name in ("debian/11", "ubuntu/20.04")]
    for folder in folders:
        folder.mkdir(parents=True)
        shutil.copyfile(hub.path(A12), folder / "5.10.0-21-arm64.btf.tar.xz")
    run = [sys.executable, "-m", "btfhub", "lock", "--hub", str(hub.folder)]
    subprocess.run(run, cwd=hub.tree.path, check=True, env=os.environ | hub.env)
    assert minimized(hub.build("debian")) == ["5.10.0-21-arm64"]
    assert hub.embedded().keys() == {"5.10.0-21-arm64"}
    hub.build("debian", "report")
    assert "two BTFs for 5.10.0-21-arm64" in hub.build("debian,ubuntu", status=2).err


def test_damaged_result_is_made_again(hub: Hub) -> None:
    hub.build(A12)
    for name in (f"btf/{A12}.json", f"btf/{A12}.btf"):
        path = hub.tree.app("hello") / name
        before = path.read_bytes()
        path.write_text("{")
        assert minimized(hub.build(A12)) == [A12]
        assert path.read_bytes() == before


def test_own_btf_must_be_named_after_its_kernel(hub: Hub) -> None:
    unpack(hub.path(A12), hub.tree.path / "phone.btf")
    result = hub.build("phone.btf", status=2)
    assert "phone.btf is not named after a kernel" in result.err
    assert "uname -r" in result.err


def test_missing_files_are_listed_with_the_places_tried(hub: Hub) -> None:
    shutil.rmtree(hub.folder)
    hub.folder.mkdir()
    result = hub.build(f"{A12},{A13}", "offline=1", status=2)
    for name in (A12, A13):
        place = re.escape(name + SUFFIX)
        assert re.search(rf"https://\S*{place}: not asked: offline=1", result.err)
    assert result.err.count(f"mirror {hub.folder}: not there") == 2
    assert "error: python failed on build/btfhub/kernels.sha256" in result.err
    assert "hint: " in result.err
    assert not (hub.tree.app("hello") / "hello.btfs.c").exists()


def test_hub_that_fails_is_asked_once(hub: Hub) -> None:
    hub.add(A12_LATER)
    path = hub.path(A12)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    result = hub.build(f"{A12},{A12_LATER},{A13}", "offline=1", "-k", "-j1", status=2)
    assert len(re.findall(f"mirror {hub.folder} is skipped: .*: wrong bytes", result.err)) == 1


def test_wrong_bytes_in_the_hub_are_refused(hub: Hub) -> None:
    path = hub.path(A12)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    result = hub.build(A12, "offline=1", status=2)
    assert "wrong bytes" in result.err
    hub.add(A12)
    assert minimized(hub.build(A12)) == [A12]


@pytest.mark.parametrize(
    ("kernels", "error", "hint"),
    [
        ("a12-5.10-2022-5", "a12-5.10-2022-5", f"did you mean {A12}?"),
        ("andriod12-5.10", "andriod12-5.10", "did you mean android12-5.10?"),
        ("./none.btf", "there is no file none.btf", "give the path of a .btf file"),
        (",", "kernels=, names no kernel", "kernels="),
    ],
)
def test_wrong_kernels_are_refused(hub: Hub, kernels: str, error: str, hint: str) -> None:
    result = hub.build(kernels, status=2)
    assert error in result.err
    assert f"hint: {hint}" in result.err


def test_hub_has_no_kernels_of_another_architecture(hub: Hub) -> None:
    result = hub.tree.scons(
        "ARCH=x86_64", f"kernels={A12}", f"btfhub={hub.folder}", "app=hello", status=2
    )
    assert "kernels= is for ARCH=arm64" in result.err


def test_report_is_one_page_of_all_kernels(hub: Hub) -> None:
    hub.tree.scons("report", f"btfhub={hub.folder}", "app=hello", env=hub.env)
    page = (hub.tree.app("hello") / "hello.report.html").read_text()
    assert A12 in page
    assert A13 in page
    assert "real_parent" in page


def test_all_kernels_are_pulled_by_one_step(hub: Hub) -> None:
    assert counted(hub.build(f"{A12},{A13}"))["PULL"] == 1
    raw = [hub.tree.build / f"btfhub/{name}.btf" for name in (A12, A13)]
    assert all(path.stat().st_size > 5_000_000 for path in raw)
    sums = ["sha256sum", "--check", "--strict", "kernels.sha256"]
    subprocess.run(sums, cwd=hub.tree.build / "btfhub", check=True, stdout=subprocess.DEVNULL)
    assert counted(hub.build(f"{A12},{A13}")) == {}


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"cut")])
def test_damaged_btf_is_pulled_again_and_nothing_else_is_done(
    hub: Hub, damage: Callable[[Path], object]
) -> None:
    hub.build(f"{A12},{A13}")
    kept, damaged = (hub.tree.build / f"btfhub/{name}.btf" for name in (A12, A13))
    before = kept.stat()
    damage(damaged)
    assert counted(hub.build(f"{A12},{A13}")) == {"PULL": 1}
    assert damaged.stat().st_size > 5_000_000
    assert kept.stat() == before


@pytest.mark.parametrize(
    ("edited", "done"),
    [
        ("btfhub/report.html.j2", {"REPORT": 1}),
        ("btfhub/relocations.py", {"REPORT": 1, "MINBTF": 2, "BTFS": 1}),
        ("btfhub/lint.toml", {"REPORT": 1, "MINBTF": 2, "BTFS": 1}),
        ("fetch/download.py", {}),
        ("vm/machine.py", {}),
    ],
)
def test_edited_module_redoes_only_what_uses_it(
    reported: Hub, edited: str, done: dict[str, int]
) -> None:
    end = "{# the end #}\n" if edited.endswith(".j2") else "# the end\n"
    reported.tree.append(edited, end)
    result = reported.build(f"{A12},{A13}", "report", "hello")
    assert counted(result) == done


@pytest.fixture
def reported(hub: Hub) -> Hub:
    """A hub whose two files are embedded and reported on."""
    hub.build(f"{A12},{A13}", "report", "hello")
    return hub


def test_pin_is_what_embedded_btfs_depend_on_not_the_rest_of_the_lock(hub: Hub) -> None:
    hub.build(A12)
    hub.tree.edit("btfhub/btfhub.lock", '"month": "2023-04"', '"month": "2023-05"')
    assert counted(hub.build(A12)) == {}


def test_own_btf_that_is_damaged_is_refused(hub: Hub) -> None:
    own = hub.tree.path / "5.10.107-mine.btf"
    unpack(hub.path(A12), own)
    own.write_bytes(own.read_bytes()[:-1])
    assert (
        "5.10.107-mine.btf: BTF: its header states "
        in hub.build("./5.10.107-mine.btf", status=2).err
    )
