"""The options of the command line, which the site tools declare, and the environment of steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from base.errors import DroidbpfError, did_you_mean, printable

# name, help text, default, the values it may have (any where there are none)
Option = tuple[str, str, str, tuple[str, ...]]


def declare(variables: Any, table: Iterable[Option]) -> Any:
    """Add options to an SCons Variables object, and return it."""
    for name, text, default, allowed in table:
        check = _one_of(allowed) if allowed else _not_empty if default else None
        variables.Add(name, text, default, check, subst=False)  # a value is data, not code
    return variables


def _one_of(allowed: tuple[str, ...]) -> Callable[[str, str, Any], None]:
    """Return an SCons validator that refuses other values."""

    def check(key: str, value: str, env: Any) -> None:
        if value not in allowed:
            known = f"it may be {', '.join(allowed)}"
            hint = did_you_mean(value, allowed, known)
            raise DroidbpfError(f"{key}={printable(value)} is not known", hint)

    return check


def _not_empty(key: str, value: str, env: Any) -> None:
    if not value:
        raise DroidbpfError(f"{key}= has no value", "leave it out, or scons -h")


def refuse_unknown(variables: Any, table: Iterable[Option]) -> None:
    """Refuse an option that nobody declared.

    Raises:
        DroidbpfError: names the option, and the nearest that is one.
    """
    for unknown in variables.UnknownVariables():
        hint = did_you_mean(unknown, (name for name, *_ in table), "scons -h lists the options")
        raise DroidbpfError(f"unknown option {printable(unknown)}", hint)


def help_text(table: Iterable[Option]) -> str:
    """Return what `scons -h` prints before SCons's own options."""
    rows = "\n".join(
        f"  {name:9}  {text}"
        + (f": {', '.join(allowed)}" if allowed else "")
        + (f" [{default}]" if default else "")
        for name, text, default, allowed in table
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
  list                    the apps
  doctor                  the tools that were found, and what is missing
  compile_commands.json   for editors

exit status: 0 built; 2 not built; with run, the app's own.
"""


def inherited() -> dict[str, str]:
    """Return the environment of every step: a few of the caller's variables, and fixed ones.

    Compilers take their folder from PWD: with this name of it, no path of the checkout reaches what
    they write, nor does its length the order of their heap. SOURCE_DATE_EPOCH, which stands for the
    time in __DATE__, is in the signature of compile steps, too.
    """
    names = ("PATH", "HOME", "TMPDIR", "TERM", "SOURCE_DATE_EPOCH")
    fixed = {"LC_ALL": "C", "PWD": "/proc/self/cwd"}
    return {name: os.environ[name] for name in names if os.environ.get(name)} | fixed


def fetch_settings(env: Any) -> Any:
    """Return the settings of downloads that the options ask for."""

    from base.settings import Settings

    return Settings.from_environment()._replace(mirror=env["mirror"], offline=env["offline"] == "1")
