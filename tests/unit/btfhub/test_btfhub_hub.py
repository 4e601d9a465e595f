"""Hubs: what one holds, what names and branches stand for, and where a file comes from."""

import subprocess
import sys
from pathlib import Path

import hubs
import pytest
from http_server import Server, body, status
from hubs import A13, JUNE, MAY, PATHS, ROCK, UBUNTU, entry, locked, packed

from base.errors import DroidbpfError
from base.settings import Settings
from btfhub.hub import Holding, Hub, paths_of
from btfhub.lock import HubFile, Lock

LOCK = locked()
NAMES = ["a12-5.10-2022-05", "a12-5.10-2022-06", "a13-5.10-2022-05", "rock5b-5.10-f9d1b1529"]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A folder with all that the lock pins."""
    return hubs.fill(tmp_path / "hub")


def held_by(hub: Path | str, lock: Lock = LOCK) -> Holding:
    return Hub(str(hub), lock, Settings(Path("unused"))).holding()


def chosen(hub: Path | str, settings: Settings, *selectors: str) -> list[str]:
    return [file.name for file in Hub(str(hub), LOCK, settings).choose(selectors)]


def obtained(files: list[HubFile], hub: Path | str, settings: Settings) -> dict[str, Path]:
    return Hub(str(hub), LOCK, settings).obtain(files)


@pytest.mark.parametrize("kind", ["{}", "file://{}", "file://localhost{}", "{}/"])
def test_folder_is_a_hub(hub: Path, kind: str) -> None:
    assert held_by(kind.format(hub)).files == LOCK.files


@pytest.mark.parametrize("hub", ["", "https://hub.example/btf", "http://127.0.0.1:1"])
def test_upstream_and_urls_are_taken_to_hold_what_is_locked(hub: str) -> None:
    assert held_by(hub).files == LOCK.files


@pytest.mark.parametrize(
    ("hub", "message"),
    [
        ("ftp://x/hub", "no hub is at a URL of ftp"),
        ("file://other/hub", "no hub is at a URL of file"),
        ("https://", "no hub is at a URL of https"),
        ("http://[", "the hub is a malformed URL"),
        ("/nowhere/hub", "there is no folder /nowhere/hub to be a hub"),
    ],
)
def test_what_is_no_hub_is_a_clear_error(hub: str, message: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        held_by(hub)
    assert failure.value.message == message
    assert failure.value.hint.startswith("a hub is an http(s) URL or a folder")


def test_flat_folder_is_matched_by_file_names(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "flat").mkdir()
    name = Path(MAY).name
    (tmp_path / "flat" / name).write_bytes(packed(MAY))
    files = held_by(tmp_path / "flat").files
    assert files == {"a12-5.10-2022-05": entry(MAY)._replace(path=name)}
    found = obtained(list(files.values()), tmp_path / "flat", settings)
    assert found["a12-5.10-2022-05"].read_bytes() == packed(MAY)


def test_layout_of_distributions_is_a_hub_of_releases(tmp_path: Path) -> None:
    other = UBUNTU.replace("20.04", "18.04")
    folder = hubs.fill(tmp_path / "hub", [UBUNTU, other])
    held = held_by(folder, locked([UBUNTU]))
    assert list(held.files) == ["5.4.0-42-generic"]
    assert held.unpinned == {"ubuntu/18.04/arm64/5.4.0-42-generic": other}


def test_releases_of_several_distributions_get_the_paths_as_names(tmp_path: Path) -> None:
    paths = [UBUNTU, UBUNTU.replace("20.04", "18.04")]
    held = held_by(hubs.fill(tmp_path / "hub", paths))
    assert held.unpinned == {path.removesuffix(".btf.tar.xz"): path for path in sorted(paths)}


def test_what_is_no_archive_is_no_part_of_a_hub(hub: Path) -> None:
    for name in (".git/a.btf.tar.xz", "rock5b/.tmp.btf.tar.xz", "a b.btf.tar.xz", "README.md"):
        (hub / name).parent.mkdir(exist_ok=True)
        (hub / name).write_bytes(b"x")
    (hub / "loop").symlink_to(hub)
    assert sorted(paths_of(hub)) == sorted(PATHS)


def test_cache_of_another_machine_is_a_hub(tmp_path: Path, settings: Settings, hub: Path) -> None:
    files = [LOCK.files[NAMES[0]], LOCK.files[NAMES[3]]]
    obtained(files, hub, settings)
    held = held_by(settings.cache)
    assert list(held.files) == [NAMES[0], NAMES[3]]
    assert held.absent == (NAMES[1], NAMES[2])
    other = Settings(cache=tmp_path / "other", offline=True)
    found = obtained(files, settings.cache, other)
    assert found[NAMES[0]].read_bytes() == packed(MAY)


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        (["all"], NAMES),
        (["android12-5.10"], NAMES[:2]),
        (["rock5b", "android13-5.10"], NAMES[2:]),
        (["rock5b-5.10-f9d1b1529", "a12-5.10-2022-05"], [NAMES[0], NAMES[3]]),
        (["a12-5.10-2022-05", "android12-5.10", "all"], NAMES),
        (["a12-5.10-2022-05-arm64"], NAMES[:1]),
        (["a12-5.10-2022-05-arm64.btf.tar.xz"], NAMES[:1]),
        ([], []),
    ],
)
def test_names_branches_and_all_are_selected_each_file_once(
    hub: Path, settings: Settings, reported: list[str], selectors: list[str], names: list[str]
) -> None:
    assert chosen(hub, settings, *selectors) == names
    assert reported == []


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("a12-5.10-2022-5", "did you mean a12-5.10-2022-05?"),
        ("Rock5B", "did you mean rock5b?"),
        ("al", "did you mean all?"),
        ("x", "its branches are android12-5.10, android13-5.10, rock5b; all stands for all"),
        # Not the branch with the nearest name: it is another kernel.
        ("android14-6.1", "its branches are android12-5.10, android13-5.10, rock5b; all stands"),
    ],
)
def test_unknown_name_is_answered_with_a_near_one(
    hub: Path, settings: Settings, selector: str, hint: str
) -> None:
    with pytest.raises(DroidbpfError) as failure:
        chosen(hub, settings, "all", selector)
    assert failure.value.message == f"no file or branch of the hub is named {selector}"
    assert failure.value.hint.startswith(hint)


def test_all_means_what_the_folder_holds_and_the_rest_is_named(
    hub: Path, settings: Settings, reported: list[str]
) -> None:
    (hub / JUNE).unlink()
    (hub / ROCK).unlink()
    assert chosen(hub, settings, "all") == [NAMES[0], NAMES[2]]
    assert reported == [
        f"the hub holds 2 of the 4 files of the lock; not there: {NAMES[1]}, {NAMES[3]}"
    ]
    reported.clear()
    assert chosen(hub, settings, "android13-5.10") == [NAMES[2]]
    assert reported == []


def test_name_that_only_the_lock_has_is_chosen(hub: Path, settings: Settings) -> None:
    (hub / JUNE).unlink()
    assert chosen(hub, settings, "a12-5.10-2022-06") == [NAMES[1]]


def test_branch_that_the_folder_has_nothing_of_is_an_error(hub: Path, settings: Settings) -> None:
    (hub / ROCK).unlink()
    with pytest.raises(DroidbpfError, match="the hub holds no file of rock5b"):
        chosen(hub, settings, "rock5b")


def test_file_that_is_not_pinned_is_never_used_unsaid(
    hub: Path, settings: Settings, reported: list[str]
) -> None:
    more = hubs.A12.format("2030-01")
    hubs.fill(hub, [more])
    assert chosen(hub, settings, "all") == NAMES
    pin = f"./dev btfhub lock --hub {hub}"
    assert reported == [f"left out, since the lock does not pin them: {more} ({pin})"]
    with pytest.raises(DroidbpfError) as failure:
        chosen(hub, settings, "a12-5.10-2030-01")
    assert failure.value.message == f"{more} is in the hub, but is not pinned by the lock"
    assert failure.value.hint == f"run {pin}"


@pytest.fixture
def site(server: Server) -> Server:
    """A server of the hub, below /hub/, and of what the lock has as upstream, below /up/."""
    for path in PATHS:
        server.routes |= {f"/{place}/{path}": body(packed(path)) for place in ("hub", "up")}
    return server


def test_files_come_from_the_cache_else_the_hub_else_upstream(
    site: Server, settings: Settings
) -> None:
    lock = locked(url=f"{site.url}/up/")
    site.routes[f"/hub/{ROCK}"] = status(404)
    obtained([lock.files[NAMES[0]]], "", settings)
    files = list(lock.files.values())
    found = obtained(files, f"{site.url}/hub", settings)
    assert [found[file.name].read_bytes() for file in files] == [packed(path) for path in PATHS]
    assert site.paths[0] == f"/up/{MAY}"
    assert sorted(site.paths[1:]) == sorted(
        [f"/hub/{JUNE}", f"/hub/{A13}", f"/hub/{ROCK}", f"/up/{ROCK}"]
    )


def test_file_that_a_folder_lacks_comes_from_upstream(
    hub: Path, site: Server, settings: Settings
) -> None:
    lock = locked(url=f"{site.url}/up/")
    (hub / JUNE).unlink()
    both = Hub(str(hub), lock, settings)
    both.obtain(both.choose(NAMES))
    assert site.paths == [f"/up/{JUNE}"]


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_hub_with_wrong_bytes_is_reported_and_skipped(
    hub: Path, site: Server, settings: Settings, reported: list[str], kind: str
) -> None:
    lock = locked(url=f"{site.url}/up/")
    wrong = bytes(len(packed(MAY)))
    (hub / MAY).write_bytes(wrong)
    site.routes[f"/hub/{MAY}"] = body(wrong)
    place = str(hub) if kind == "folder" else f"{site.url}/hub"
    found = obtained([lock.files[NAMES[0]]], place, settings)
    assert found[NAMES[0]].read_bytes() == packed(MAY)
    assert len(reported) == 1
    named = f"mirror {hub}" if kind == "folder" else f"{site.url}/hub/{MAY}"
    assert reported[0].startswith(f"{MAY}: {named} is skipped: ")
    assert "wrong bytes (" in reported[0]


def test_hub_that_cannot_be_reached_lists_every_file_with_its_places(
    site: Server, settings: Settings
) -> None:
    files = [LOCK.files[name] for name in NAMES[:2]]
    with pytest.raises(DroidbpfError) as failure:
        obtained(files, f"{site.url}/none", settings)
    listed = failure.value.message.splitlines()
    assert listed[0] == "no place gives these 2 files:"
    assert listed[1].startswith(f"  {MAY} (sha256 ")
    assert listed[3:5] == [
        f"    {site.url}/none/{MAY}: HTTP 404",
        f"    {hubs.UPSTREAM}{MAY}: unknown host upstream.invalid",
    ]
    assert failure.value.hint.startswith("go online, or name a hub that holds them: scons btfhub=")


def test_offline_a_folder_still_serves_and_what_it_lacks_is_listed(
    hub: Path, settings: Settings
) -> None:
    offline = settings._replace(offline=True)
    (hub / JUNE).unlink()
    assert obtained([LOCK.files[NAMES[0]]], hub, offline)
    with pytest.raises(DroidbpfError) as failure:
        obtained(list(LOCK.files.values()), hub, offline)
    assert failure.value.message.splitlines()[:4] == [
        "no place gives this file:",
        f"  {JUNE} (sha256 {entry(JUNE).sha256}, {entry(JUNE).size} bytes)",
        f"    cache {settings.cache}: not there",
        f"    mirror {hub}: not there",
    ]


WARM = """
import sys
from pathlib import Path
from btfhub import lock
from btfhub.hub import Hub
from base.settings import Settings
seen = []
sys.addaudithook(lambda name, args: seen.append(name))
pins = lock.load(Path(sys.argv[1]))
hub = Hub(sys.argv[3], pins, Settings(Path(sys.argv[2])))
print(len(hub.obtain(hub.choose(["all"]))))
print([name for name in seen if name.startswith(("socket.", "subprocess.", "os.exec"))])
print([name for name in sys.modules if name in ("requests", "tqdm", "ssl")])
"""


def test_warm_cache_opens_no_socket(tmp_path: Path, hub: Path, settings: Settings) -> None:
    from btfhub.lock import write

    write(tmp_path / "lock", LOCK)
    obtained(list(LOCK.files.values()), hub, settings)
    command = [sys.executable, "-c", WARM, tmp_path / "lock", settings.cache, "http://127.0.0.1:9"]
    done = subprocess.run(command, cwd=hubs.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "4\n[]\n[]\n"
