"""The scanner that finds the headers a C file or a BPF program includes."""

from SCons.Scanner import ClassicCPP

INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*(<|")([^>"]+)(>|")'
LARGE = "vmlinux.h"


def header_scanner():
    """Give a scanner for C that does not look into vmlinux.h.

    It includes nothing, and reading its 4 MB at every start would cost more than a null build.
    """
    return ClassicCPP("Headers", "$CPPSUFFIXES", "CPPPATH", INCLUDE, recursive=_small)


def _small(nodes):
    return [node for node in nodes if node.name != LARGE]
