"""The files that a compiler or linker read, as it reports them itself (-MD).

SCons's scanner finds what most #include lines name, which orders the first build. It knows neither
the headers of the libc nor those that a macro names or that a folder given by -I has. A step
records every file of the report beside its target, in <target>.inputs; the target is made again
when one of them has changed.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Mapping
from typing import Any

import versions
from names import file_node

TARGET = re.compile(r".*?:\s")  # in names, blanks are escaped
WORD = re.compile(r"(?:\\.|[^\s\\])+")
CLOCK_REALTIME_COARSE = 5  # of linux/time.h, which the kernel takes files' times from
ESCAPE = re.compile(r"\\([\s#\\:])|\$(\$)")

decided_ns: dict[str, int] = {}  # path of a target -> when outdated() was asked about it
# Of what no step writes, as it was when it was first read: one that changed later has another
# version at the next start, and all that was made of it is made again.
_known: dict[str, versions.Version] = {}
APPS = "apps_dir:"  # begins the names of files in the folder of apps


def now_ns() -> int:
    """Return the mtime of a file that would be written now: the kernel's time, in whole ticks."""
    return time.clock_gettime_ns(CLOCK_REALTIME_COARSE)


def record(target: str, report: str, began_ns: int, apps: str) -> None:
    """Record the files that a step read, and remove its report.

    Args:
        report: the path of the rule that the compiler wrote for make. Of a linker, it may name
            temporary files that are gone.
        began_ns: a time before the step read any of them, of now_ns(). What was written to since
            may have been read before that: it gets no version, and the target is made again.
        apps: the folder of apps, which has no name in the record: it may be moved.
    """
    with open(report, "rb") as file:
        names = parse(os.fsdecode(file.read()))
    found = {}
    for name in names:
        if name not in _known:
            try:
                status = os.stat(name)
            except FileNotFoundError:
                continue
            raced = began_ns <= status.st_ctime_ns <= now_ns()
            if name.startswith(versions.BUILD):  # there, a step waits for what it reads
                found[name] = versions.version(name, status)
                continue
            _known[name] = None if raced else versions.version(name, status)
        found[name] = _known[name]
    own = f"{apps}/"
    found = {n.replace(own, APPS, 1) if n.startswith(own) else n: v for n, v in found.items()}
    versions.save(f"{target}.inputs", found)
    os.unlink(report)


def parse(rules: str) -> list[str]:
    """Return the prerequisites of the first rule that a compiler wrote for make, sorted."""
    first = rules.replace("\\\n", " ").partition("\n")[0]
    target = TARGET.match(first)
    names = first[target.end() :] if target else ""
    if "\\" not in names and "$" not in names:
        return sorted(set(names.split()))
    return sorted({ESCAPE.sub(r"\1\2", word) for word in WORD.findall(names)})


@functools.cache
def load(target: str, apps: str) -> Mapping[str, Any]:
    """Return the versions of the files that a target was made of; {} where none are recorded."""
    recorded = versions.load(f"{target}.inputs")
    return {
        n.replace(APPS, f"{apps}/", 1) if n.startswith(APPS) else n: recorded[n] for n in recorded
    }


def reported(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
    """Emit targets whose step records what it read, and which wait for what is built of that."""
    target[0].attributes.reported = env["apps_dir"]
    env.Clean(target[0], file_node(env, f"{target[0]}.inputs"))
    apps = f"{env['VARIANT']}/apps/"
    read = load(str(target[0]), env["apps_dir"])
    built = [file_node(env, name) for name in read if name.startswith(apps)]
    env.Requires(target[0], built)
    return target, source


def outdated(target: Any) -> bool:
    """Return whether a file that a target was made of has changed, or its record is lost."""
    apps = getattr(target.attributes, "reported", "")
    if not apps:
        return False
    decided_ns[str(target)] = now_ns()
    recorded = load(str(target), apps)
    return not recorded or bool(versions.changed(recorded))
