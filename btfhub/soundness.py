"""Checks what the types of a BTF say of each other, so that a reader cannot be led astray.

The rules are those of the kernel's own verifier of BTF (kernel/bpf/btf.c) that pahole's output for a
real kernel keeps: nothing outside, no type that contains itself, no member beyond its struct.
"""

from btfhub.btf import Layout


def check(layout: Layout) -> None:
    """Check a BTF whose types were found.

    Raises:
        DroidbpfError: the first thing that is wrong, and at which type.
    """
