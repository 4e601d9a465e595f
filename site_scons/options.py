"""The options of the command line: their values, their defaults, what to say of a wrong one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import toolchains
from base.errors import DroidbpfError, did_you_mean

# name, what it is, default, the values it may have (any where there are none)
TABLE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("ARCH", "target architecture", "arm64", toolchains.ARCHES),
    ("app", "names of apps, comma separated, or all", "all", ()),
    ("toolchain", "compiler of the target", "auto", toolchains.NAMES),
    ("ndk", "path of an Android NDK", "", ()),
    ("api", "Android API level, for the NDK", "", ()),
    ("bpftool", "the machine's, or one built from source", "auto", ("auto", "source")),
    ("apps_dir", "folder of apps: a folder each, or flat", "apps", ()),
    ("kernels", "BTFs to embed: hub names, branches, all, paths of .btf files", "", ()),
    ("btfhub", "a hub of BTFs: URL or folder", "", ()),
    ("mirror", "a mirror of the source archives: URL or folder", "", ()),
    ("offline", "open no socket", "0", ("0", "1")),
    ("mode", "whether apps are optimized and stripped", "release", ("release", "debug")),
    ("link", "how programs link to libc", "static", ("static", "dynamic")),
    ("kernel", "for run: 5.10, 6.1, 6.12 or the path of an arm64 Image", "5.10", ()),
    ("args", "for run: the app's arguments", "", ()),
    ("V", "print whole command lines", "0", ("0", "1")),
)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str, str, Any], None]:
    """Give an SCons validator that refuses other values."""

    def check(key: str, value: str, env: Any) -> None:
        if value not in allowed:
            known = f"it may be {', '.join(allowed)}"
            raise DroidbpfError(f"{key}={value} is not known", did_you_mean(value, allowed, known))

    return check


def declare(variables: Any) -> Any:
    """Add every option to an SCons Variables object, and give it back."""
    for name, text, default, allowed in TABLE:
        variables.Add(name, text, default, _one_of(allowed) if allowed else None)
    return variables


def refuse_unknown(variables: Any) -> None:
    """Refuse an option that nobody declared.

    Raises:
        DroidbpfError: names the option, and the nearest that is one.
    """
    for unknown in variables.UnknownVariables():
        known = [name for name, *_ in TABLE]
        hint = did_you_mean(unknown, known, "scons -h lists the options")
        raise DroidbpfError(f"unknown option {unknown}", hint)


def help_text() -> str:
    """Give what `scons -h` prints before SCons's own options."""
    width = max(len(name) for name, *_ in TABLE)
    rows = "\n".join(
        f"  {name:{width}}  {text}"
        + (f": {', '.join(allowed)}" if allowed else "")
        + (f" [{default}]" if default else "")
        for name, text, default, allowed in TABLE
    )
    return f"""\
usage: scons [OPTION=VALUE …] [TARGET …]

  scons ARCH=arm64 app=syscall_mon        build an app
  scons ARCH=arm64 app=syscall_mon run    and run it on an arm64 kernel (x86_64: on this machine)

options [default]:
{rows}

targets:
  NAME or FILE            an app, or a file below build/
  run                     run the app: arm64 in a virtual machine, x86_64 here (as root)
  report                  an app's CO-RE relocations on the kernels of kernels= (else all), as HTML
  list                    the apps there are
  doctor                  the tools that were found, and what is missing
  compile_commands.json   for editors

exit status: 0 built; 2 it was not; with run, the app's own.
"""


def inherited() -> dict[str, str]:
    """Give the environment of every step: a few variables of the caller's, and fixed ones.

    Compilers take their folder from PWD: with this name of it, no path of the checkout reaches what
    they write, nor does its length the order of their heap.
    """
    names = ("PATH", "HOME", "TMPDIR", "TERM")
    fixed = {"LC_ALL": "C", "PWD": "/proc/self/cwd"}
    return {name: os.environ[name] for name in names if name in os.environ} | fixed


def fetch_settings(env: Any) -> Any:
    """Give what fetch is to heed of the options."""

    from base.settings import Settings

    return Settings.from_environment()._replace(mirror=env["mirror"], offline=env["offline"] == "1")
