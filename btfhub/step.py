"""`python -m btfhub.step`: what a build does for one kernel, in a process of its own.

Checking a BTF keeps a processor busy: in threads of one process two kernels would take turns.

It reads a request as JSON from stdin: kernel (its name in the lock, or a path), packed (the
archive, or null), unpacked (the folder of raw BTFs), probe and objects (paths), bpftool, lock (a
path); and writes {"btf": in hex, "missing": […], "unreliable": […]}, or {"error": …, "hint": …}.
"""

import json
import sys
from pathlib import Path
from typing import Any

from base.errors import DroidbpfError
from btfhub import examine, kernels, lock
from btfhub.minimize import minimize
from btfhub.names import parse_name


def main() -> int:
    """Answer the request; give 0."""
    try:
        answer = run(json.load(sys.stdin))
    except DroidbpfError as error:
        answer = {"error": error.message, "hint": error.hint}
    json.dump(answer, sys.stdout)
    return 0


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Minimize the BTF of a kernel for an app, and tell what the app misses or misreads there."""
    file = lock.load(Path(request["lock"])).files.get(request["kernel"])
    kernel = kernels.Kernel(
        parse_name(file.path if file else Path(request["kernel"]).name),
        file=file,
        path=None if file else Path(request["kernel"]),
    )
    packed = Path(request["packed"]) if request["packed"] else None
    raw = kernels.raw(kernel, packed, Path(request["unpacked"]))
    objects = [Path(path) for path in request["objects"]]
    found = examine.examine(kernel.name, raw, objects, request["bpftool"])
    return {
        "btf": minimize([Path(request["probe"]), *objects], raw, request["bpftool"]).hex(),
        "missing": examine.missing(found),
        "unreliable": examine.unreliable(found),
    }


if __name__ == "__main__":
    sys.exit(main())
