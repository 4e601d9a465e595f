"""Whether a sound BTF is a kernel's, and of which architecture."""

from collections.abc import Sequence

from base.errors import DroidbpfError
from btfhub import btf
from btfhub.typegraph import structs

# What every kernel has, and what distinguishes architectures: a struct and members of it, as in
# arch/arm64/include/asm/ptrace.h and arch/x86/include/asm/ptrace.h.
_STRUCTS = ("task_struct", "list_head", "pt_regs")
_REGISTERS: dict[str, Sequence[str]] = {
    "arm64": ("regs", "sp", "pc", "pstate", "syscallno"),
    "x86_64": ("r15", "ax", "di", "orig_ax", "ip"),
}
# C's names of the type that has a pointer's size, as gcc and clang write them (and libbpf reads).
_LONG = {"long", "long int", "unsigned long", "long unsigned int"}


def kernel(data: bytes, arch: str = "") -> str:
    """Check that a sound BTF is a whole kernel's; return its architecture.

    Args:
        data: a BTF that passed btf.check().
        arch: the architecture that it must have; "" for any that is known.

    Raises:
        DroidbpfError: it lacks what every kernel has, or it is of another architecture.
    """
    layout = btf.walk(data)
    found = structs(data, _STRUCTS)
    for name in _STRUCTS:
        if name not in found:
            raise DroidbpfError(
                f"BTF: it is not a whole kernel's: there is no struct {name}",
                "a minimized BTF, a module's or a program's is not one for a hub",
            )
    integers = {layout.name(n): layout.own(n, btf.THIRD) for n in layout.of_kind(btf.INT)}
    if integers.get("int") != 4:
        raise DroidbpfError("BTF: it is not a whole kernel's: there is no int of 4 bytes")
    registers = found["pt_regs"].members.keys()
    actual = next((name for name, own in _REGISTERS.items() if registers >= set(own)), "")
    if not actual:
        raise DroidbpfError("BTF: its struct pt_regs is of no architecture that is known here")
    if not any(integers.get(name) == 8 for name in _LONG):
        raise DroidbpfError(f"BTF: its pt_regs is {actual}'s, and its long is not")
    if arch and actual != arch:
        raise DroidbpfError(
            f"BTF: it is of a kernel for {actual}, not for {arch}",
            "take the BTF of the right kernel",
        )
    return actual
