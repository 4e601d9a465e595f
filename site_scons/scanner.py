"""The scanner that finds the headers a C file or a BPF program includes."""

from itertools import pairwise

from SCons.Scanner import ClassicCPP, FindPathDirs, ScannerBase

from names import folder_node

# Comments may stand before the name. A header that __has_include() asks for may yet appear.
INCLUDE = (
    r"^[ \t]*#[ \t]*(?:include|(?:el)?if\b.*\b__has_include[ \t]*\()"
    r"(?:[ \t]|/\*.*?\*/)*([<\"])([^>\"\n]+)[>\"]"
)
TYPES = "vmlinux.h"
FLAGS = ("CFLAGS", "CXXFLAGS", "CCFLAGS", "BPFFLAGS")
SMALL = 1 << 16  # bytes


def header_scanner():
    """Return a scanner for C that also looks into headers that are not built yet.

    It does not look into a vmlinux.h: the types of a kernel include nothing, and reading their 4 MB
    at every start would cost more than a null build. A small vmlinux.h may include that of an
    architecture.

    By default SCons does not scan a header before it is known to be up to date, and not again then
    (Scanner.Current): what it includes would be missing.
    """
    scanner = ClassicCPP("Headers", "$CPPSUFFIXES", "CPPPATH", INCLUDE, recursive=_small)
    scanner.scan_check = None
    scanner.path_function = _searched
    return scanner


def _searched(env, folder=None, target=None, source=None):
    """Return the folders that a compiler searches: those of -I among its flags, then $CPPPATH."""
    flags = [str(word) for name in FLAGS for word in env.Flatten([env.get(name, [])])]
    first = [
        word.removeprefix("-I") or following
        for word, following in pairwise([*flags, ""])
        if word.startswith("-I")
    ]
    own = tuple(folder_node(env, path) for path in first if path and "$" not in path)
    return own + FindPathDirs("CPPPATH")(env, folder, target, source)


def _small(nodes):
    return [node for node in nodes if node.name != TYPES or chooses(node)]


def chooses(header):
    """Return whether a vmlinux.h is too small to hold a kernel's types: it includes others."""
    return not header.has_builder() and header.get_size() < SMALL


def no_scanner():
    """Return a scanner that finds nothing, for what includes nothing.

    Without one SCons uses its own. Searching the 5 MB of a vmlinux.h costs more than a null build.
    """
    return ScannerBase(lambda node, env, path: [], "Nothing")
