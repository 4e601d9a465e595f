"""Which apps a command line asks for, and what each is made of, as its folder shows it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import names
from base.errors import DroidbpfError, did_you_mean, printable

BPF = ".bpf.c"
USER_SPACE = (".c", ".cc", ".cpp")
HEADERS = (".h", ".hpp")
COMMON = "_common"
VERBS = ("run", "report", "list", "doctor", "compile_commands.json")


class Style(NamedTuple):
    """The conventions that a folder of apps follows.

    Args:
        skeleton_suffix: ends the names of skeletons.
        strip: the flags of objcopy for programs.
        ccflags, cflags: flags of user space code in C and C++, and in C.
        bpf_warnings: flags of BPF programs.
    """

    skeleton_suffix: str
    strip: tuple[str, ...]
    ccflags: tuple[str, ...]
    cflags: tuple[str, ...]
    bpf_warnings: tuple[str, ...] = ("-Werror=date-time",)


OURS = Style("", ("--strip-all",), ("-Wall", "-Wextra"), ("-std=gnu11",))
# The conventions of libbpf-bootstrap and libbpf-tools: the suffix is bpftool's default, uprobes on
# the program's own functions need its symbols, and their code compiles with these warnings. A use
# of __DATE__ is only a warning.
OTHERS = Style(
    skeleton_suffix="_bpf",
    strip=("--strip-debug",),
    ccflags=("-Wall", "-Wno-error=date-time"),
    cflags=(),
    bpf_warnings=("-Wdate-time",),
)


class Layout(NamedTuple):
    """A folder of apps.

    Args:
        apps_dir: the folder.
        flat: its apps are files of it, not folders.
        names: the apps, sorted.
        shared: of a flat one, the user space sources that belong to no app.
    """

    apps_dir: str
    flat: bool
    names: list[str]
    shared: tuple[str, ...]

    @property
    def style(self) -> Style:
        return OTHERS if self.flat else OURS


@dataclass(frozen=True)
class Plan:
    """What an app, or the library of what apps share, is made of.

    Args:
        folder: where its sources are.
        programs: its BPF programs, names of files.
        sources: its user space sources, names of files.
        include: folders to search for headers before all others.
        vmlinux: its own vmlinux.h that is precompiled; "" for the generated one, None for none.
        script: its SConscript, or "".
    """

    folder: str
    programs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    vmlinux: str | None = ""
    script: str = ""

    @property
    def cxx(self) -> str:
        """The first source in C++, or ""."""
        return next((source for source in self.sources if not source.endswith(".c")), "")


def normal(path: str) -> str:
    """Return a path, relative where it is below here, else absolute, without "." and ".."."""
    path = os.path.abspath(os.path.expanduser(path))
    inside = os.path.commonpath((path, os.getcwd())) == os.getcwd()
    return os.path.relpath(path) if inside else path


def layout(apps_dir: str) -> Layout:
    """Return what a folder of apps holds.

    A folder that has BPF programs itself is flat: <name>.bpf.c and <name>.c are an app, and what
    belongs to none is common to all. Else each subfolder is an app, except hidden ones and _common.

    Raises:
        DroidbpfError: there is no such folder.
    """
    names.refuse_folder(apps_dir, "apps_dir=")
    files, folders = [], []
    try:
        with os.scandir(apps_dir) as entries:
            for entry in entries:
                if entry.name[0] in "._":
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
    except OSError as error:
        hint = "apps_dir= takes a folder of apps: one folder per app, or NAME.bpf.c and NAME.c"
        raise DroidbpfError(f"apps_dir={apps_dir}: {error.strerror}", hint) from None
    apps = sorted(f.removesuffix(BPF) for f in files if f.endswith(BPF))
    if not apps:
        return Layout(apps_dir, False, sorted(folders), ())
    own = set(apps)
    sources = _user_space(sorted(files))
    shared = tuple(file for file in sources if file.rpartition(".")[0] not in own)
    return Layout(apps_dir, True, apps, shared)


def plan(name: str, layout: Layout, kernel_arch: str) -> Plan:
    """Return what an app is made of.

    Args:
        name: the app, whose main .bpf.c and whose program have its name.
        layout: the folder of apps that it is in.
        kernel_arch: the target's architecture as a folder of vmlinux.h has it, such as x86.

    Raises:
        DroidbpfError: its name or that of a file cannot be used, or a side of it is missing.
    """
    names.refuse_app(name)
    folder = layout.apps_dir if layout.flat else f"{layout.apps_dir}/{name}"
    files = _stem_files(folder, name) if layout.flat else _files(folder)
    programs = tuple(file for file in files if file.endswith(BPF))
    sources = _user_space(files)
    if f"{name}{BPF}" not in programs:
        hint = f"an app {name} needs {name}.bpf.c and {name}.c"
        if programs and not layout.flat:
            hint += f"; apps_dir={folder} builds {programs[0].removesuffix(BPF)}"
        raise DroidbpfError(f"{folder} has no {name}.bpf.c", hint)
    if not sources:
        others = "; -k builds the other apps" if layout.flat else ""
        hint = f"an app needs a user space side{others}"
        raise DroidbpfError(f"{folder} has no {name}.c", hint)
    include, vmlinux = _kernel_types(folder, layout.flat, kernel_arch)
    script = f"{folder}/SConscript"
    return Plan(
        folder, programs, sources, include, vmlinux, script if os.path.isfile(script) else ""
    )


def common(layout: Layout) -> Plan:
    """Return what the apps of a folder share: the files of _common, or those of no app.

    In a flat folder, a source with a main() is a program of its own and is not built: if it does
    not compile, the apps still do.
    """
    folder = layout.apps_dir
    if layout.flat:
        from c_source import defines_main  # not at every start

        shared = tuple(s for s in layout.shared if not defines_main(f"{folder}/{s}"))
        names.refuse_files(folder, shared)
        return Plan(folder, sources=shared, include=(folder,))
    folder = f"{folder}/{COMMON}"
    if not os.path.isdir(folder):
        return Plan(folder)
    files = _files(folder)
    return Plan(folder, sources=_user_space(files), include=(folder,))


def _user_space(files: Sequence[str]) -> tuple[str, ...]:
    return tuple(f for f in files if f.endswith(USER_SPACE) and not f.endswith(BPF))


def _files(folder: str) -> list[str]:
    """Return the names of the sources and headers in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            suffixes = (*USER_SPACE, *HEADERS)
            found = [e.name for e in entries if e.name.endswith(suffixes) and e.is_file()]
    except OSError as error:
        raise DroidbpfError(f"cannot read {folder}: {error.strerror}", "make it readable") from None
    files = sorted(name for name in found if name[0] != ".")  # editors' and macOS's
    names.refuse_files(folder, files)
    return files


def _stem_files(folder: str, stem: str) -> list[str]:
    files = (f"{stem}{suffix}" for suffix in (BPF, *USER_SPACE))
    return [name for name in files if os.path.isfile(f"{folder}/{name}")]


def _kernel_types(folder: str, flat: bool, arch: str) -> tuple[tuple[str, ...], str | None]:
    """Return the folders of an app's headers, and its own vmlinux.h.

    That of one app is not precompiled: it has no second reader.
    """
    if os.path.isfile(f"{folder}/vmlinux.h"):
        return (folder,), f"{folder}/vmlinux.h" if flat else None
    if flat and os.path.isfile(f"{folder}/{arch}/vmlinux.h"):
        return (folder, f"{folder}/{arch}"), f"{folder}/{arch}/vmlinux.h"
    return (folder,), ""


def chosen(known: Sequence[str], app: str, targets: Sequence[str], variant: str) -> list[str]:
    """Return the apps to read: those of app=, else those that targets name, else all.

    Args:
        known: all apps.
        app: the option, comma separated names or "all".
        targets: the targets of the command line: apps, verbs, files.
        variant: the folder below which an app's files are in apps/<app>.

    Raises:
        DroidbpfError: an app that is not known; offers the nearest name.
    """
    wanted = [] if app == "all" else [name for name in app.split(",") if name]
    if not wanted and app != "all":
        raise DroidbpfError(f"app={app} names no app", "app=NAME[,NAME…], or app=all")
    for target in map(normal, targets):
        if target.startswith(f"{variant}/apps/"):
            wanted += {target.split("/")[3]} - {COMMON}
        elif f"{variant}/apps/".startswith(f"{target}/") or target == ".":
            return list(known)
        elif target in VERBS or "/" in target:
            continue
        elif target in known or not os.path.exists(target):
            wanted.append(target)
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, [*known, *VERBS], "scons list shows the apps")
            raise DroidbpfError(f"there is no app {printable(name)}", hint)
    if wanted or (targets and not set(targets) & set(VERBS)):
        return list(dict.fromkeys(wanted))
    return list(known)


def one(programs: Mapping[str, Any]) -> Any:
    """Return the only program, for `run`.

    Raises:
        DroidbpfError: there are several.
    """
    if len(programs) != 1:
        raise DroidbpfError(f"run takes one app, not {len(programs)}", "name it: app=NAME run")
    return next(iter(programs.values()))
