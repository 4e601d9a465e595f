"""Tool: libraries and tools from pinned archives. Adds env.ThirdParty() and, for the scripts it
reads, env.PinnedLibrary() and env.PinnedProgram().

A library whose state file says that it is up to date is one node and its script is not read.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action

import state
from base.errors import DroidbpfError
from base.files import write_atomically
from libraries import own_files, settings, settled
from site_tools.target import compiled_after_set_up
from steps import user_errors

OPTIONS = (
    ("mirror", "a mirror of the source archives: URL or folder", "", ()),
    ("offline", "open no socket", "0", ("0", "1")),
)
PINS = Path("third_party/sources.toml")
EXTRACTION = (Path("fetch/extract.py"),)
LINKING = ("LINKCOM", "LINKMODE", "LINKFLAGS")
SOURCES = "build/third_party"
INCLUDE = f"{SOURCES}/include"
_extracted = {}  # pin -> nodes of what is extracted, and of the headers for others


class ThirdParty:
    """What was declared of libraries with one toolchain. Clones of its environment share it.

    Attributes:
        keys: of each library (see state), by the name of its pin.
        offers: the nodes of the headers for others, by the name of their pin; of what was read.
        states: the nodes of the state files.
        fetched: a node of each archive that is extracted.
    """

    def __init__(self):
        self.keys = {}
        self.offers = {}
        self.states = []
        self.fetched = []


@dataclass(frozen=True)
class Library:
    """A library of third_party, or a program, whose script is read.

    Args:
        pin: the name of its sources in sources.toml.
        archive: the path of its archive or program.
        uses: the pins of the libraries whose headers it includes.
        linked: the libraries of a program.
    """

    pin: str
    archive: str
    uses: list
    linked: list


def generate(env):
    env["THIRD_PARTY"] = ThirdParty()
    env.AddMethod(third_party, "ThirdParty")


def third_party(env, name, pin, archive, uses, linked=()):
    """Return the node of a library's archive, reading third_party/<name>/SConscript if need be.

    Of a program, it is the node of the program.

    Args:
        name: its folder in third_party.
        pin: the name of its sources in sources.toml.
        archive: its file name, such as libz.a.
        uses: the pins of the libraries read before whose headers it includes.
        linked: the libraries of a program.
    """
    folder = Path("third_party", name)
    output = f"{env['VARIANT']}/third_party"
    keys = env["THIRD_PARTY"].keys
    files = own_files(folder)
    used = (keys[use] for use in uses)
    link = [str(env[variable]) for variable in LINKING if linked]
    keys[pin] = state.key([PINS, *EXTRACTION, *files], *settings(env), *link, *used)
    described = Library(pin, f"{output}/{archive}", uses, list(linked))
    return settled(
        env,
        f"{output}/{name}.state",
        keys[pin],
        described.archive,
        lambda: _read_script(env, name, described),
    )


def _read_script(env, name, described):
    """Read a library's script; return the nodes of its archive and of what it offers."""
    pinned = env.Clone(LIBRARY=described, SCANNERS=[])  # the compiler reports the headers
    pinned["BUILDERS"]["PinnedObject"] = Builder(
        action=pinned["BUILDERS"]["TargetObject"].action,
        suffix=".o",
        emitter=compiled_after_set_up,
    )
    pinned.AddMethod(library, "PinnedLibrary")
    pinned.AddMethod(program, "PinnedProgram")
    built = env.SConscript(f"#third_party/{name}/SConscript", exports={"env": pinned})
    env["THIRD_PARTY"].offers[described.pin] = built[1:]
    return built


def library(env, sources, headers, only=(), include=(), configured=None):
    """Return the nodes of a library's archive and of its headers for others.

    Args:
        sources: its C files, as paths in the archive.
        headers: {folder below the include folder: paths in the archive}.
        only: the folders of the archive to extract; all where there are none.
        include: folders of the archive to search for headers.
        configured: {header: {line: what its configure script would write there}}, for others.
    """
    objects, others = _compiled(env, sources, headers, only, include, configured or {})
    return [*env.TargetLibrary(f"#{env['LIBRARY'].archive}", objects), *others]


def program(env, sources, only=(), include=(), offered=()):
    """Return the node of a program, in a list.

    Args:
        sources, only, include: as of library().
        offered: folders of headers that its libraries offer, searched first.
    """
    env.Append(CCFLAGS=[f"-I{INCLUDE}/{folder}" for folder in offered])
    objects, _ = _compiled(env, sources, {}, only, include, {})
    described = env["LIBRARY"]
    built = env.TargetProgram(f"#{described.archive}", [*objects, *described.linked])
    env.Requires(built, env["THIRD_PARTY"].states)
    return built


def _compiled(env, sources, headers, only, include, configured):
    """Return the nodes of the objects, and of the headers for others."""
    from fetch import pins

    described, shared = env["LIBRARY"], env["THIRD_PARTY"]
    pin = pins.load(PINS)[described.pin]
    if pin not in _extracted:
        _extracted[pin] = _declare_extraction(env, pin, sources, headers, only, configured)
    extracted, offer = _extracted[pin]
    shared.fetched += extracted[:1]
    tree = _tree(pin)
    env.Append(CCFLAGS=[f"-I{folder}" for folder in (*(f"{tree}/{i}" for i in include), INCLUDE)])
    folder = described.archive.removesuffix(".a")
    folder += "" if folder != described.archive else ".objects"
    objects = [
        env.PinnedObject(f"#{folder}/{Path(source).stem}.o", f"#{tree}/{source}")
        for source in sources
    ]
    env.Requires(objects, [node for use in described.uses for node in shared.offers.get(use, [])])
    return objects, offer


def _declare_extraction(env, pin, sources, headers, only, configured):
    """Declare once for all toolchains what is extracted, and what of it is copied for others."""
    tree = _tree(pin)
    offered = [header for group in headers.values() for header in group]
    files = [f"#{tree}/{file}" for file in dict.fromkeys((*sources, *offered))]
    layouts = tuple(place.layout for place in pin.alternatives)
    key = state.key([], repr((pin.sha256, layouts, only)))  # SCons stores it with every file
    extracted = env.Command(
        files,
        [env.Value(key), *(f"#{file}" for file in EXTRACTION)],
        Action(user_errors(_extract), f"  FETCH    {pin.name} {pin.version}"),
        PINNED=pin,
        ONLY=only,
    )
    env.Clean(extracted, f"#{tree}")
    copy = Action(user_errors(_copy), None, varlist=["LINES"])
    offer = [
        env.Command(
            f"#{INCLUDE}/{folder}/{Path(header).name}",
            f"#{tree}/{header}",
            copy,
            LINES=sorted(configured.get(header, {}).items()),
        )
        for folder, group in headers.items()
        for header in group
    ]
    return extracted, env.Flatten(offer)


def _tree(pin):
    """Return the folder that a pin's archive is extracted in."""
    return f"{SOURCES}/{pin.name}-{pin.version}"


def _extract(target, source, env):
    from base.progress import show_progress
    from fetch import download
    from fetch.extract import extract

    pin = env["PINNED"]
    wanted = [pin]
    with show_progress(env["FETCH_SETTINGS"]()) as settings:
        if settings.offline:  # report all missing archives in one error
            others = (other for other in _extracted if other != pin)
            wanted += (other for other in others if not any(Path(_tree(other)).rglob("*.c")))
        archive = download.obtain_all(wanted, settings)[pin.name]
    tree = Path(_tree(pin))
    shutil.rmtree(tree, ignore_errors=True)
    extract(archive, tree, only=env["ONLY"], layout=pin.layout(archive.name))


def _copy(target, source, env):
    content = Path(str(source[0])).read_bytes()
    for old, new in env["LINES"]:
        lines = content.splitlines(keepends=True)
        places = [i for i, line in enumerate(lines) if line.startswith(old.encode())]
        if len(places) != 1:
            raise DroidbpfError(f"{source[0]} has {len(places)} lines {old}, not one")
        lines[places[0]] = f"{new}\n".encode()
        content = b"".join(lines)
    write_atomically(str(target[0]), content)
