"""The kernels that a user names: found by names of a hub and by paths, and checked."""

from __future__ import annotations

import lzma
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import hubs
import pytest
import small_kernels
from btf_mutations import every_kind

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub import archive, kernels
from btfhub.hub import Hub
from btfhub.kernels import Kernel
from btfhub.lock import HubFile, make
from btfhub.names import parse_name

RELEASE = "5.10.101-android12-9-mine"
NAMES = ["a12-5.10-2022-05", "a12-5.10-2022-06", "a13-5.10-2022-05", "rock5b-5.10-f9d1b1529"]
MAY = hubs.MAY


@pytest.fixture(scope="module")
def btfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return BTFs of three kernels."""
    folder = tmp_path_factory.mktemp("btfs")
    other = f"long flags; {small_kernels.TASK}"
    return {
        "arm64": small_kernels.kernel(folder, "arm64").read_bytes(),
        "other": small_kernels.kernel(folder, "other", other).read_bytes(),
        "x86_64": small_kernels.kernel(folder, "x86_64", arch="x86_64").read_bytes(),
    }


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return hubs.fill(tmp_path / "hub")


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    return tmp_path / "unpacked"


def chosen(selectors: Sequence[object], hub: Path, settings: Settings) -> list[Kernel]:
    return kernels.choose(list(map(str, selectors)), Hub(str(hub), hubs.locked(), settings))


def names(found: Sequence[Kernel]) -> list[str]:
    return [kernel.name.name for kernel in found]


def own(folder: Path, data: bytes, name: str = f"{RELEASE}.btf") -> Kernel:
    """Return a kernel at a path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Kernel(parse_name(name), path=path)


def of_hub(folder: Path, data: bytes) -> Kernel:
    """Return a kernel of a hub that is the folder."""
    file = small_kernels.packed(folder, MAY, data)
    return Kernel(parse_name(MAY), file, folder / MAY)


def test_paths_are_distinguished_from_names() -> None:
    given = ["a12-5.10-2022-05", "android12-5.10", "all", "5.10.101-android12-9", "mine.btf.gz"]
    paths = ["5.10.101-android12-9.btf", "5.10.101-arm64.btf.tar.xz", "./5.10.101", "/tmp/5.10.1"]
    assert [one for one in given + paths if kernels.is_path(one, hubs.locked())] == paths


def test_names_branches_and_all_select_files_of_the_hub(hub: Path, settings: Settings) -> None:
    assert names(chosen(["a12-5.10-2022-06"], hub, settings)) == NAMES[1:2]
    assert names(chosen(["android12-5.10"], hub, settings)) == NAMES[:2]
    assert names(chosen(["all"], hub, settings)) == NAMES
    assert all(kernel.file and not kernel.path for kernel in chosen(["all"], hub, settings))


def test_what_is_selected_twice_is_there_once(
    hub: Path, settings: Settings, tmp_path: Path
) -> None:
    path = own(tmp_path, b"").path
    selectors = [path, "a12-5.10-2022-05", "android12-5.10", path, "a12-5.10-2022-05"]
    assert names(chosen(selectors, hub, settings)) == [RELEASE, *NAMES[:2]]


def test_name_of_the_lock_is_no_path_even_if_it_looks_like_one(
    hub: Path, settings: Settings
) -> None:
    name = "ubuntu/5.4.0-42-generic"
    lock = make("", [HubFile(name, hubs.UBUNTU, 1, "", 1, "")])
    hubs.fill(hub, [hubs.UBUNTU])
    (found,) = kernels.choose([name], Hub(str(hub), lock, settings))
    assert found.file
    assert not found.path


def test_paths_alone_need_no_hub(settings: Settings, tmp_path: Path) -> None:
    path = own(tmp_path, b"").path
    assert names(chosen([path], tmp_path / "none", settings)) == [RELEASE]


@pytest.mark.parametrize("ending", [".btf", "-arm64.btf", "-arm64.btf.tar.xz", ".btf.tar.xz"])
def test_two_btfs_of_one_name_are_refused(
    hub: Path, settings: Settings, tmp_path: Path, ending: str
) -> None:
    first = own(tmp_path / "a", b"").path
    second = own(tmp_path / "b", b"", f"{RELEASE}{ending}").path
    both = f"two BTFs for {RELEASE}: {first} and {second}"
    with pytest.raises(DroidbpfError, match=rf"^error: {both}\nhint: name one of"):
        chosen([first, second], hub, settings)
    mine = own(tmp_path / "c", b"", f"a12-5.10-2022-05{ending}").path
    with pytest.raises(DroidbpfError, match=r"^error: two BTFs for a12-5\.10-2022-05: "):
        chosen([mine, "a12-5.10-2022-05"], hub, settings)
    assert names(chosen([mine, "a12-5.10-2022-06"], hub, settings)) == NAMES[:2]


def test_path_must_be_a_files_and_tell_its_kernel(
    hub: Path, settings: Settings, tmp_path: Path
) -> None:
    for path in (tmp_path / "none.btf", tmp_path):
        with pytest.raises(DroidbpfError, match=rf"^error: there is no file {path}\nhint: give"):
            chosen([path, path / ""], hub, settings)
    phone = own(tmp_path, b"", f"{RELEASE}.btf").path
    assert phone
    phone = phone.rename(tmp_path / "phone\x1b[2J.btf")
    with pytest.raises(DroidbpfError) as refused:
        chosen([phone], hub, settings)
    assert refused.value.message == r"phone\x1b[2J.btf is not named after a kernel"
    assert "uname -r" in refused.value.hint
    (found,) = kernels.select([str(phone)], Hub(str(hub), hubs.locked(), settings))
    assert found.name.name == r"phone\x1b[2J"


def test_unknown_name_is_refused_with_the_nearest(hub: Path, settings: Settings) -> None:
    with pytest.raises(DroidbpfError, match=r"hint: did you mean a12-5\.10-2022-05\?$"):
        chosen(["a12-5.10-2022-5"], hub, settings)


def test_files_of_the_hub_are_obtained_and_own_ones_are_where_they_are(
    hub: Path, settings: Settings, tmp_path: Path
) -> None:
    path = own(tmp_path, b"").path
    found = chosen([path, "android12-5.10"], hub, settings)
    obtained = kernels.obtain(found, Hub(str(hub), hubs.locked(), settings))
    assert names(obtained) == [RELEASE, *NAMES[:2]]
    assert obtained[0].path == path
    assert obtained[1].path
    assert obtained[1].path.read_bytes() == hubs.packed(MAY)


def test_what_is_unpacked_is_not_obtained(
    btfs: dict[str, bytes], tmp_path: Path, unpacked: Path, settings: Settings
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])._replace(path=None)
    raw = own(unpacked, btfs["arm64"], "a12-5.10-2022-05.btf").path
    none = Hub("", hubs.locked(), settings._replace(offline=True))
    (found,) = kernels.obtain([kernel], none, unpacked)
    assert found.path == raw
    assert kernels.read(found) == btfs["arm64"]
    with pytest.raises(DroidbpfError, match=r"^error: no place gives this file"):
        kernels.obtain([kernel], none, tmp_path)


@pytest.mark.parametrize("ending", [".btf", "-arm64.btf.tar.xz", ".btf.xz"])
def test_own_btf_is_read_raw_or_packed(btfs: dict[str, bytes], tmp_path: Path, ending: str) -> None:
    raw = btfs["arm64"]
    packed = {".btf": raw, ".btf.xz": lzma.compress(raw)}.get(ending, archive.pack("x.btf", raw))
    assert kernels.read(own(tmp_path, packed, f"{RELEASE}{ending}")) == raw


@pytest.mark.parametrize("ending", [".btf", "-arm64.btf.tar.xz"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("x86_64", "BTF: it is of a kernel for x86_64, not for arm64"),
        ("small", "BTF: it is not a whole kernel's: there is no struct list_head"),
        ("cut", "BTF: its header states "),
        ("short", "BTF: shorter than its header"),
    ],
)
def test_what_is_no_sound_btf_of_an_arm64_kernel_is_refused_by_its_path(
    btfs: dict[str, bytes], tmp_path: Path, damage: str, message: str, ending: str
) -> None:
    data = {
        "x86_64": btfs["x86_64"],
        "small": every_kind(),
        "cut": btfs["arm64"][:-1],
        "short": btfs["arm64"][:20],
    }[damage]
    kernel = own(
        tmp_path, data if ending == ".btf" else archive.pack("x.btf", data), f"{RELEASE}{ending}"
    )
    with pytest.raises(DroidbpfError) as refused:
        kernels.read(kernel)
    assert refused.value.message.startswith(f"{kernel.path}: {message}")


def test_own_archive_that_is_damaged_or_gone_is_refused(tmp_path: Path) -> None:
    kernel = own(tmp_path, b"\xfd7zXZ\0damaged", f"{RELEASE}.btf.tar.xz")
    with pytest.raises(DroidbpfError, match=rf"^error: the archive {kernel.path} "):
        kernels.read(kernel)
    for ending in (".btf", ".btf.tar.xz"):
        gone = Kernel(parse_name(RELEASE), path=tmp_path / f"gone{ending}")
        with pytest.raises(DroidbpfError, match=rf"^error: cannot read {gone.path}: No such file"):
            kernels.read(gone)


def test_archive_with_another_btf_than_the_locks_is_refused(
    btfs: dict[str, bytes], tmp_path: Path
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])
    small_kernels.packed(tmp_path, MAY, btfs["other"])
    with pytest.raises(
        DroidbpfError, match=rf"^error: {kernel.path} is not the BTF that is pinned\nhint: remove"
    ):
        kernels.read(kernel)


def test_btf_whose_hash_the_lock_has_is_not_checked_again(tmp_path: Path) -> None:
    kernel = of_hub(tmp_path, b"checked when it was pinned")
    assert kernels.read(kernel) == b"checked when it was pinned"


def unpack(kernel: Kernel, folder: Path, settings: Settings) -> Path:
    """Unpack a kernel of the hub that its file is in; return the path of its BTF."""
    assert kernel.path
    hub = Hub(str(kernel.path.parents[1]), hubs.locked(), settings)
    kernels.unpack([kernel._replace(path=None)], hub, folder)
    return folder / "a12-5.10-2022-05.btf"


def test_file_of_the_hub_is_unpacked_once_and_then_needs_no_archive(
    btfs: dict[str, bytes], tmp_path: Path, unpacked: Path, settings: Settings
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])
    raw = unpack(kernel, unpacked, settings)
    assert raw.read_bytes() == btfs["arm64"]
    before = raw.stat()
    (tmp_path / MAY).unlink()
    shutil.rmtree(settings.cache)
    assert unpack(kernel, unpacked, settings).stat() == before


@pytest.mark.parametrize("damage", ["other", "cut", "empty", "folder"])
def test_unpacked_file_that_is_damaged_is_unpacked_again(
    btfs: dict[str, bytes], tmp_path: Path, unpacked: Path, settings: Settings, damage: str
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])
    raw = unpack(kernel, unpacked, settings)
    data = {"other": btfs["other"], "cut": btfs["arm64"][:-1], "empty": b"", "folder": b""}[damage]
    raw.write_bytes(data)
    if damage == "folder":
        raw.unlink()
        raw.mkdir()
        with pytest.raises(DroidbpfError, match=rf"^error: cannot write {raw}: Is a directory$"):
            unpack(kernel, unpacked, settings)
        raw.rmdir()
    assert unpack(kernel, unpacked, settings).read_bytes() == btfs["arm64"]
    assert [path.name for path in unpacked.iterdir()] == ["a12-5.10-2022-05.btf"]


def test_folder_that_cannot_be_written_is_reported(
    btfs: dict[str, bytes], tmp_path: Path, unpacked: Path, settings: Settings
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])
    unpacked.write_text("a file")
    with pytest.raises(
        DroidbpfError, match=rf"^error: cannot write {unpacked}/a12-5\.10-2022-05\.btf: "
    ):
        unpack(kernel, unpacked, settings)


def test_several_may_unpack_one_file_at_once(
    btfs: dict[str, bytes], tmp_path: Path, unpacked: Path, settings: Settings
) -> None:
    kernel = of_hub(tmp_path, btfs["arm64"])
    found: list[bytes] = []

    def run() -> None:
        found.append(unpack(kernel, unpacked, settings).read_bytes())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [btfs["arm64"]] * 8
    assert [path.name for path in unpacked.iterdir()] == ["a12-5.10-2022-05.btf"]
