"""Hubs whose files are named by releases: alike in several folders, or telling no kernel."""

from __future__ import annotations

from pathlib import Path

import hubs
import pytest

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import kernels
from btfhub.__main__ import main
from btfhub.hub import Hub
from btfhub.kernels import Kernel
from btfhub.lock import Lock, make, write

RELEASE = "5.10.0-21-arm64"
DEBIAN = f"debian/11/arm64/{RELEASE}"
UBUNTU = f"ubuntu/20.04/arm64/{RELEASE}"
NOTHING = "misc/kernel"


@pytest.fixture
def lock() -> Lock:
    """The lock of a hub with two kernels of one release, and one that tells none."""
    files = [hubs.entry(f"{name}.btf.tar.xz") for name in (DEBIAN, UBUNTU, NOTHING)]
    names = (DEBIAN, UBUNTU, NOTHING)
    return make("", [file._replace(name=n) for file, n in zip(files, names, strict=True)])


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hubs.fill(tmp_path / "hub", [f"{name}.btf.tar.xz" for name in (DEBIAN, UBUNTU, NOTHING)])


def chosen(selectors: list[str], hub: Path, lock: Lock, settings: Settings) -> list[Kernel]:
    return kernels.choose(selectors, Hub(str(hub), lock, settings))


@pytest.mark.parametrize("selector", [DEBIAN, "debian"])
def test_kernel_is_obtained_where_its_name_in_the_lock_is_not_its_release(
    hub: Path, lock: Lock, settings: Settings, selector: str
) -> None:
    (kernel,) = chosen([selector], hub, lock, settings)
    assert (kernel.name.name, kernel.selector) == (RELEASE, DEBIAN)
    (found,) = kernels.obtain([kernel], Hub(str(hub), lock, settings))
    assert found.path
    assert found.path.read_bytes() == hubs.packed(f"{DEBIAN}.btf.tar.xz")


def test_such_a_kernel_is_unpacked_by_its_name_in_the_lock(
    hub: Path, lock: Lock, tmp_path: Path
) -> None:
    write(tmp_path / "lock", lock)
    options = ["--hub", str(hub), "--lock", str(tmp_path / "lock"), "--unpack", str(tmp_path)]
    assert main(["pull", DEBIAN, *options]) == 0
    assert (tmp_path / f"{RELEASE}.btf").read_bytes() == hubs.btf(
        DEBIAN.replace("/", "_") + ".btf.tar.xz"
    )


def test_one_release_of_two_folders_is_refused_by_the_names_of_both(
    hub: Path, lock: Lock, settings: Settings
) -> None:
    message = rf"^error: two BTFs for {RELEASE}: {DEBIAN} and {UBUNTU}\nhint: name one of them$"
    with pytest.raises(DroidbpfError, match=message):
        chosen(["all"], hub, lock, settings)


def test_file_that_shows_no_kernel_is_left_out_of_all_and_refused_by_name(
    hub: Path, lock: Lock, settings: Settings, reported: list[str]
) -> None:
    few = Lock("", {name: lock.files[name] for name in (DEBIAN, NOTHING)})
    assert [kernel.selector for kernel in chosen(["all"], hub, few, settings)] == [DEBIAN]
    left_out = f"left out: {NOTHING}.btf.tar.xz is not named after a kernel"
    assert reported.count(left_out) == 1
    with pytest.raises(DroidbpfError, match=r"is not named after a kernel"):
        chosen([NOTHING], hub, few, settings)
    (kernel,) = kernels.select([NOTHING], Hub(str(hub), few, settings))
    assert kernel.selector == NOTHING


def test_nothing_but_files_that_name_no_kernel_is_an_error(
    hub: Path, lock: Lock, settings: Settings
) -> None:
    only = Lock("", {NOTHING: lock.files[NOTHING]})
    with pytest.raises(DroidbpfError, match=r"^error: no selected BTF is named after a kernel"):
        chosen(["all"], hub, only, settings)
