"""An app on one kernel: the results of its relocations, unreliable fields, the minimized BTF."""

from collections.abc import Sequence
from pathlib import Path

from btfhub import lint
from btfhub.answers import Kernel
from btfhub.minimize import relocate
from btfhub.names import HubName
from btfhub.objects import LOCAL_KIND, fields, wanted
from btfhub.relocations import interpret


def examine(
    name: HubName,
    data: bytes,
    objects: Sequence[Path],
    bpftool: str = "bpftool",
    kept: Sequence[Path] = (),
) -> tuple[Kernel, bytes]:
    """Return the results of an app on a kernel, and the minimized BTF.

    Args:
        data: the kernel's BTF, checked.
        objects: the app's BPF objects.
        bpftool: the program, 7.0 or newer.
        kept: objects whose types the BTF keeps, too; no results of theirs are returned.

    Raises:
        DroidbpfError: as objects.wanted(), minimize.relocate() and relocations.interpret().
    """
    others = [one for path in kept for one in wanted(path)]
    own = [one for path in objects for one in wanted(path)]
    minimized, results = b"", []
    if own:
        log, minimized = relocate([*kept, *objects], data, name.name, bpftool)
        before = sum(one.kind != LOCAL_KIND for one in others)
        results = interpret([*others, *own], log, minimized)[before:]
    known = lint.defects(data, name.branch)
    titles = {defect.name: defect.title for defect in known}
    doubts = {
        (field.struct, field.member): "; ".join(titles[defect] for defect in field.defects)
        for field in lint.unreliable(data, known, fields(own))
    }
    return Kernel(name, results, doubts), minimized
