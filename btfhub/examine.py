"""What an app meets on one kernel: its relocations there, and the fields that its BTF may belie."""

from collections.abc import Sequence
from pathlib import Path

from btfhub import lint, relocations, report
from btfhub import objects as wanted
from btfhub.names import HubName
from btfhub.report import Kernel


def examine(name: HubName, raw: Path, objects: Sequence[Path], bpftool: str = "bpftool") -> Kernel:
    """Give the relocations of an app's objects on a kernel, and which fields are unreliable there.

    Args:
        raw: the kernel's BTF, checked.
        objects: the app's BPF objects.
        bpftool: the program, 7.0 or newer.

    Raises:
        DroidbpfError: as relocations.read().
    """
    data = raw.read_bytes()
    known = lint.defects(data, name.branch)
    titles = {defect.name: defect.title for defect in known}
    doubts = {
        (field.struct, field.member): "; ".join(titles[defect] for defect in field.defects)
        for field in lint.unreliable(data, known, wanted.fields(objects))
    }
    return Kernel(name, relocations.read(objects, raw, bpftool), doubts)


def missing(kernel: Kernel) -> list[str]:
    """Give what the kernel lacks and the objects do not ask for before, as `struct.member`."""
    found = report.build("", [kernel]).found("missing")
    return sorted({column.name for _, column, _ in found})


def unreliable(kernel: Kernel) -> list[str]:
    """Give the fields that the BTF may have in wrong places, as `struct.member`."""
    return sorted(f"{struct}.{member}" for struct, member in kernel.unreliable)
