"""The scanner that finds the headers a C file or a BPF program includes."""

from SCons.Scanner import ClassicCPP, ScannerBase

INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*(<|")([^>"]+)(>|")'
TYPES = "vmlinux.h"
SMALL = 1 << 16  # bytes


def header_scanner():
    """Give a scanner for C that does not look into a vmlinux.h, but into what is yet to be made.

    The types of a kernel include nothing, and reading their 4 MB at every start would cost more
    than a null build. A small vmlinux.h may include that of an architecture.

    A header that is found to be up to date only when its turn comes is not scanned again by SCons
    (Scanner.Current): what it includes would be missing.
    """
    scanner = ClassicCPP("Headers", "$CPPSUFFIXES", "CPPPATH", INCLUDE, recursive=_small)
    scanner.scan_check = None
    return scanner


def _small(nodes):
    return [node for node in nodes if node.name != TYPES or chooses(node)]


def chooses(header):
    """Tell whether a vmlinux.h is too small to hold a kernel's types: it includes others."""
    return not header.has_builder() and header.get_size() < SMALL


def no_scanner():
    """Give a scanner that finds nothing, for what includes nothing: SCons would look all the same.

    Searching the 5 MB of a vmlinux.h costs more than a null build.
    """
    return ScannerBase(lambda node, env, path: [], "Nothing")
