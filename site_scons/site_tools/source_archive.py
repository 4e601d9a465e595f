"""Tool: libraries and tools from pinned archives. Adds env.ThirdParty() and, for the scripts it
reads, env.PinnedLibrary() and env.PinnedProgram().

A library whose state file says that it is up to date is one node and its script is not read.
"""

import shutil
from pathlib import Path

from SCons.Builder import Builder
from SCons.Script import Action, GetOption

from base.errors import DroidbpfError
from site_tools.console import user_errors
from third_party import state

PINS = Path("third_party/sources.toml")
EXTRACTION = (Path("fetch/extract.py"), Path("fetch/tarwalk.py"))
LINKING = ("LINKCOM", "LINKMODE", "LINKFLAGS")
SOURCES = "build/third_party"
INCLUDE = f"{SOURCES}/include"
_obtained = {}  # pin -> nodes of what is extracted and of the headers for others, for every variant


def exists(env):
    return True


def generate(env):
    env.SetDefault(
        THIRD_PARTY_KEYS={}, THIRD_PARTY_OFFERS={}, THIRD_PARTY_STATES=[], THIRD_PARTY_FETCHED=[]
    )
    env.AddMethod(third_party, "ThirdParty")


def third_party(env, name, pin, archive, uses, linked=()):
    """Give the node of a library's archive, reading third_party/<name>/SConscript if need be.

    Or of a program: what is said of archives here holds for it, too.

    Args:
        name: its folder in third_party.
        pin: the name of its sources in sources.toml.
        archive: its file name, such as libz.a.
        uses: the pins of the libraries read before whose headers it includes.
        linked: a program's libraries.
    """
    folder = Path("third_party", name)
    output = Path(env["VARIANT"], "third_party")
    keys, offers = env["THIRD_PARTY_KEYS"], env["THIRD_PARTY_OFFERS"]
    files = own_files(folder)
    used = (keys[use] for use in uses)
    link = [str(env[variable]) for variable in LINKING if linked]
    keys[pin] = state.key([PINS, *EXTRACTION, *files], *settings(env), *link, *used)

    def make():
        made = _declare(env, name, pin, f"{output}/{archive}", uses, files, linked)
        offers[pin] = made[1:]
        return made

    return settled(env, output / f"{name}.state", keys[pin], output / archive, make)


def own_files(folder):
    """Give the files of a library's folder."""
    return sorted(f for f in folder.iterdir() if f.is_file() and f.name[0] not in ".#")


def settings(env):
    """Give what the environment has to do with a library."""
    return [str(env[variable]) for variable in ("CCCOM", "ARCOM", "CCFLAGS", "TOOLCHAIN_ID")]


def settled(env, state_file, key, archive, make):
    """Give the node of a library's archive; it alone where the state file says it is up to date.

    Args:
        key: what the archive is made by, all of it.
        make: declares how, and gives the nodes of the archive and of what else others use of it.
    """
    if state.up_to_date(state_file, key) and not GetOption("clean"):
        return env.File(str(archive))
    if archive in state.changed(state_file):
        archive.unlink(missing_ok=True)  # SCons would trust a damaged one
    made = make()
    env["THIRD_PARTY_STATES"] += env.Command(
        str(state_file), [env.Value(key), *made], Action(user_errors(_record), None)
    )
    return made[0]


def _declare(env, name, pin, archive, uses, files, linked):
    """Read a library's script; give the nodes of its archive and of what it offers."""
    offers = env["THIRD_PARTY_OFFERS"]
    pinned = env.Clone(
        ARCHIVE=f"#{archive}",
        PIN=pin,
        USES=uses,
        LINKED=linked,
        OWN_HEADERS=[file for file in files if file.suffix == ".h"],
        AFTER=[node for use in uses for node in offers.get(use, [])],
        CONFIGURED={},
        SCANNERS=[],  # one digest stands for all headers of an archive
    )
    pinned["BUILDERS"]["PinnedObject"] = Builder(
        action=pinned["BUILDERS"]["TargetObject"].action, suffix=".o"
    )
    pinned.AddMethod(library, "PinnedLibrary")
    pinned.AddMethod(program, "PinnedProgram")
    made = env.SConscript(f"#third_party/{name}/SConscript", exports={"env": pinned})
    env["THIRD_PARTY_FETCHED"] += pinned["EXTRACTED"][:1]
    return made


def library(env, sources, headers, only=(), include=(), configured=None):
    """Give the nodes of a library's archive and of its headers for others.

    Args:
        sources: its C files, as paths in the archive.
        headers: {folder below the include folder: paths in the archive}.
        only: the folders of the archive to extract; all where there are none.
        include: folders of the archive to search for headers.
        configured: {header: {line: what its configure script would write there}}, for others.
    """
    env["CONFIGURED"] = configured or {}
    objects, others = _compiled(env, sources, headers, only, include)
    return [*env.TargetLibrary(env["ARCHIVE"], objects), *others]


def program(env, sources, only=(), include=(), offered=()):
    """Give the nodes of a program and of the digest of its sources.

    Args:
        sources, only, include: as of library().
        offered: folders of headers that its libraries offer, searched first.
    """
    env.Append(CCFLAGS=[f"-I{INCLUDE}/{folder}" for folder in offered])
    objects, others = _compiled(env, sources, {}, only, include)
    made = env.TargetProgram(env["ARCHIVE"], [*objects, *env["LINKED"]])
    env.Requires(made, env["THIRD_PARTY_STATES"])
    return [*made, *others]


def _compiled(env, sources, headers, only, include):
    """Give the nodes of the objects, and of what else there is for others."""
    from fetch import pins

    pin = pins.load(PINS)[env["PIN"]]
    if pin not in _obtained:
        _obtained[pin] = _obtain(env, pin, sources, headers, only)
    env["EXTRACTED"], offer = _obtained[pin]
    tree = _tree(pin)
    env.Append(CCFLAGS=[f"-I{folder}" for folder in (*(f"{tree}/{i}" for i in include), INCLUDE)])
    folder = env["ARCHIVE"].removesuffix(".a")
    folder += "" if folder != env["ARCHIVE"] else ".objects"
    objects = [
        env.PinnedObject(f"{folder}/{Path(source).stem}.o", f"#{tree}/{source}")
        for source in sources
    ]
    digests = [_digest(name) for name in (pin.name, *env["USES"])]
    env.Depends(objects, [*(f"#{header}" for header in env["OWN_HEADERS"]), *digests])
    env.Requires(objects, env["AFTER"])
    return objects, [env["EXTRACTED"][-1], *offer]


def _obtain(env, pin, sources, headers, only):
    """Declare once for all variants what is extracted, and what of it is copied for others."""
    tree = _tree(pin)
    offered = [header for group in headers.values() for header in group]
    files = [f"#{tree}/{file}" for file in dict.fromkeys((*sources, *offered))]
    layouts = tuple(place.layout for place in pin.alternatives)
    extracted = env.Command(
        [*files, _digest(pin.name)],
        env.Value((pin.sha256, layouts, tuple(only), state.key(EXTRACTION))),
        Action(user_errors(_extract), f"  FETCH    {pin.name} {pin.version}"),
        PINNED=pin,
        TREE=tree,
        ONLY=only,
        SOURCES_OF=sources,
    )
    env.Clean(extracted, f"#{tree}")
    copy = Action(user_errors(_copy), None, varlist=["LINES"])
    configured = env["CONFIGURED"]
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


def _digest(name):
    """Give the file that changes when a header of a pin's archive does."""
    return f"#{INCLUDE}/{name}.sha256"


def _tree(pin):
    """Give the folder that a pin's archive is extracted in."""
    return f"{SOURCES}/{pin.name}-{pin.version}"


def _extract(target, source, env):
    from base.progress import show_progress
    from fetch import download
    from fetch.extract import extract

    wanted = [env["PINNED"]]
    with show_progress(env["FETCH_SETTINGS"]()) as settings:
        if settings.offline:  # one error for all that this build will miss
            others = (pin for pin in _obtained if pin != wanted[0])
            wanted += (pin for pin in others if not any(Path(_tree(pin)).rglob("*.c")))
        archives = download.obtain_all(wanted, settings)
    archive = archives[wanted[0].name]
    shutil.rmtree(env["TREE"], ignore_errors=True)
    tree = Path(env["TREE"])
    extract(archive, tree, only=env["ONLY"], layout=wanted[0].layout(archive.name))
    # One node for all that the C files may include: what it holds changes when any of it does.
    included = sorted(tree.rglob("*"))
    sources = {tree / source for source in env["SOURCES_OF"]}
    digest = state.key(file for file in included if file.is_file() and file not in sources)
    _replace(target[-1], digest.encode())


def _copy(target, source, env):
    content = Path(str(source[0])).read_bytes()
    for old, new in env["LINES"]:
        lines = content.splitlines(keepends=True)
        places = [i for i, line in enumerate(lines) if line.startswith(old.encode())]
        if len(places) != 1:
            raise DroidbpfError(f"{source[0]} has {len(places)} lines {old}, not one")
        lines[places[0]] = f"{new}\n".encode()
        content = b"".join(lines)
    _replace(target[0], content)


def _replace(node, content):
    part = Path(f"{node}.tmp")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(content)
    part.replace(str(node))


def _record(target, source, env):
    state.record(Path(str(target[0])), str(source[0]), [Path(str(node)) for node in source[1:]])
