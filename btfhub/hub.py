"""A hub: what a folder or a URL holds of the lock, selecting from it, obtaining the archives."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from base.errors import DroidbpfError, did_you_mean, printable
from base.settings import Settings, expand_user
from btfhub.lock import PATH, SUFFIX, HubFile, Lock, is_form

if TYPE_CHECKING:
    from fetch.pins import Pin

_DEEPEST = 7  # folders
_MOST = 100_000  # files and folders of a hub


class Holding(NamedTuple):
    """What a hub holds, by name.

    Attributes:
        files: what the lock pins; `path` is where the hub has it.
        unpinned: paths of what the lock lacks.
        differing: size and sha256 of what is not as the lock has it, where they are known.
        absent: names of the lock that the hub lacks.
    """

    files: dict[str, HubFile]
    unpinned: Mapping[str, str] = {}
    differing: Mapping[str, tuple[int, str]] = {}
    absent: tuple[str, ...] = ()


class Hub(NamedTuple):
    """A hub, what is pinned of it, and how to download.

    Attributes:
        place: an http(s) URL or a folder; "" for upstream's.
    """

    place: str
    lock: Lock
    settings: Settings

    @property
    def folder(self) -> Path | None:
        """The folder of the hub; None for a URL, and for upstream's.

        Raises:
            DroidbpfError: it is neither an http(s) URL nor a folder that is there.
        """
        hint = "a hub is an http(s) URL or a folder (scons btfhub=…, ./dev btfhub … --hub …)"
        if not self.place:
            return None
        try:
            parts = urlsplit(self.place)
        except ValueError as error:
            raise DroidbpfError("the hub is a malformed URL", hint) from error
        if parts.scheme in ("http", "https") and parts.hostname:
            return None
        folder = expand_user(self.place)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            folder = Path(unquote(parts.path))
        elif "://" in self.place:
            what = printable(parts.scheme) or "no scheme"
            raise DroidbpfError(f"no hub is at a URL of {what}", hint)
        if not folder.is_dir():
            raise DroidbpfError(f"there is no folder {printable(str(folder))} to be a hub", hint)
        return folder.absolute()

    def __str__(self) -> str:
        """Return the place as a message shows it: quoted for a shell, without credentials."""
        import shlex

        from fetch.reasons import redact

        return shlex.quote(printable(redact(self.place) if "://" in self.place else self.place))

    def url_of(self, path: str) -> str:
        """Return the URL of a file of a hub that is a URL."""
        return f"{self.place.rstrip('/')}/{quote(path, safe='/:@+~')}"

    def holding(self) -> Holding:
        """Compare what the hub holds with the lock, by paths or else by file names.

        A URL is assumed to hold all. A folder may also be the cache of another machine, which holds
        files by their sha256.

        Raises:
            DroidbpfError: there is no such folder.
        """
        folder = self.folder
        if not folder:
            return Holding(self.lock.files)
        held = compare(dict.fromkeys(paths_of(folder)), self.lock)
        for name in held.absent:
            if (folder / "sha256" / self.lock.files[name].sha256).is_file():
                held.files[name] = self.lock.files[name]
        return held._replace(absent=tuple(name for name in held.absent if name not in held.files))

    def choose(self, selectors: Sequence[str]) -> list[HubFile]:
        """Select from what the hub holds, and report what of a branch or of "all" is left out.

        Raises:
            DroidbpfError: as select(); a name that the hub has and the lock has not.
        """
        held, lock = self.holding(), self.lock
        for selector in selectors:
            name = _bare(selector, lock.files)
            if name in held.unpinned and name not in lock.files:
                raise DroidbpfError(
                    f"{held.unpinned[name]} is in the hub, but is not pinned by the lock",
                    f"run ./dev btfhub lock --hub {self}",
                )
        chosen = select(held.files, selectors, lock)
        groups = {_bare(selector, lock.files) for selector in selectors} - lock.files.keys()
        self._report(held, groups)
        return chosen

    def _report(self, held: Holding, groups: set[str]) -> None:
        files = self.lock.files.values()
        wanted = [file.name for file in files if groups & {"all", file.branch}]
        absent = [name for name in wanted if name in held.absent]
        if absent:
            which = "" if "all" in groups else f" for {', '.join(sorted(groups))}"
            self.settings.report(
                f"the hub holds {len(wanted) - len(absent)} of the {len(wanted)} files of the lock"
                f"{which}; not there: {', '.join(absent)}"
            )
        if held.unpinned and "all" in groups:
            self.settings.report(
                f"left out, since the lock does not pin them: {', '.join(held.unpinned.values())} "
                f"(./dev btfhub lock --hub {self})"
            )

    def obtain(self, files: Sequence[HubFile]) -> dict[str, Path]:
        """Return the verified archives by name, downloading in parallel what the cache lacks.

        The places, in order: the cache, the hub, upstream.

        Raises:
            DroidbpfError: one error lists every file that no place gave, and the places.
            CacheError: the cache cannot be written, its disk is full.
        """
        if not files:
            return {}
        from fetch import download
        from fetch.errors import AbsentError

        settings = self.settings
        if folder := self.folder:
            settings = settings._replace(mirror=str(folder))
        try:
            return download.obtain_all(map(self.pin, files), settings)
        except AbsentError as error:
            hint = (
                "go online, or name a hub that holds them: scons btfhub=…, ./dev btfhub … --hub …"
            )
            raise DroidbpfError(error.message, hint) from error

    def pin(self, file: HubFile) -> "Pin":
        """Return how a file is downloaded where the hub is a URL: from it, else from upstream."""
        from fetch.pins import Pin

        own = self.url_of(file.path) if self.place and not self.folder else ""
        urls = tuple(url for url in (own, file.url) if url)
        return Pin(file.name, "", file.path, file.sha256, file.size, urls)


def compare(found: Mapping[str, tuple[int, str] | None], lock: Lock) -> Holding:
    """Compare the archives of a hub with the lock.

    A file of another folder is the lock's if the file name is, but not where releases are the
    names: those of several distributions are alike.

    Args:
        found: size and sha256 of each by its path, where they are known.
    """
    by_path = {file.path: file for file in lock.files.values()}
    by_name = {Path(path).name: file for path, file in by_path.items() if path.count("/") < 2}
    files = {by_path[path].name: by_path[path] for path in sorted(found) if path in by_path}
    others = []
    for path in sorted(found.keys() - by_path.keys()):
        alike = by_name.get(Path(path).name) if path.count("/") < 2 else None
        if alike and alike.name not in files:
            files[alike.name] = alike._replace(path=path)
        else:
            others.append(path)
    unpinned = {name: path for path, name in named(others, taken=lock.files).items()}
    differing = {
        name: actual
        for name, file in files.items()
        if (actual := found[file.path]) and actual != (file.size, file.sha256)
    }
    absent = tuple(name for name in lock.files if name not in files)
    return Holding(files, unpinned, differing, absent)


def paths_of(folder: Path) -> Iterator[str]:
    """Yield the paths of a hub's archives below a folder; hidden folders are left out.

    Raises:
        DroidbpfError: the folder cannot be read, or holds too much to be a hub.
    """
    shown = printable(str(folder))

    def fail(error: OSError) -> None:
        raise DroidbpfError(f"cannot read the hub {shown}: {error.strerror}") from error

    seen = 0
    for place, folders, files in os.walk(folder, onerror=fail):
        below = Path(place).relative_to(folder)
        seen += len(folders) + len(files)
        if seen > _MOST:
            raise DroidbpfError(f"{shown} holds more than {_MOST} files: it is no hub")
        deep = len(below.parts) >= _DEEPEST
        folders[:] = [] if deep else [one for one in folders if not one.startswith(".")]
        for name in files:
            path = (below / name).as_posix()
            if name.endswith(SUFFIX) and is_form(PATH, path):
                yield path


def named(paths: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return the name of each path: that in the file name; if several share it, the path."""
    from btfhub.names import parse_name

    names = {}
    for path in paths:
        try:
            names[path] = parse_name(path).name
        except DroidbpfError:
            names[path] = path.removesuffix(SUFFIX)
    uses = Counter([*taken, *names.values()])
    return {
        path: path.removesuffix(SUFFIX) if uses[name] > 1 else name for path, name in names.items()
    }


def select(files: Mapping[str, HubFile], selectors: Sequence[str], lock: Lock) -> list[HubFile]:
    """Return the files that names, branches ("android12-5.10", "rock5b") or "all" select, by path.

    Args:
        files: what a hub holds: what branches and "all" stand for.
        lock: what names may stand for beyond it.

    Raises:
        DroidbpfError: no such name or branch; nothing is held of one.
    """
    known = lock.files | dict(files)
    branches = {file.branch for file in known.values() if file.branch}
    chosen: dict[str, HubFile] = {}
    for selector in selectors:
        name = _bare(selector, known)
        if name in known:
            found = [known[name]]
        elif name == "all" or name in branches:
            found = [file for file in files.values() if name in ("all", file.branch)]
            if not found:
                what = "of the lock" if name == "all" else f"of {name}"
                raise DroidbpfError(
                    f"the hub holds no file {what}", "./dev btfhub list shows what it holds"
                )
        else:
            hint = f"its branches are {', '.join(sorted(branches))}; all stands for all"
            if not name.startswith("android"):  # another branch is not meant
                hint = did_you_mean(name, [*known, *branches, "all"], hint)
            raise DroidbpfError(
                f"no file or branch of the hub is named {printable(selector)}", hint
            )
        chosen |= {file.name: file for file in found}
    return sorted(chosen.values(), key=lambda file: file.path)


def _bare(selector: str, known: Mapping[str, HubFile]) -> str:
    """Return a selector without the endings of a file name."""
    for ending in (SUFFIX, ".btf", "-arm64"):
        if selector not in known:
            selector = selector.removesuffix(ending)
    return selector
