"""Runs a module or a script as `python` does, and survives a disk that was full once.

    python base/launch.py -m MODULE ARGUMENT…
    python base/launch.py SCRIPT ARGUMENT…

Compiled modules are kept in build/pycache. Python before 3.12.8 does not notice when a full disk
cuts one short (https://github.com/python/cpython/issues/126606), and every later start that reads
it ends with an EOFError. Here such a file is removed and compiled again. This file is run by its
path, so it is never kept compiled itself. PYTHONPYCACHEPREFIX would not do: it also applies to what
Python imports before it runs anything of ours.
"""

import contextlib
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from types import CodeType

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DAMAGED = (EOFError, ValueError, TypeError, ImportError)  # that unmarshalling raises

_get_code = SourceFileLoader.get_code


def keep_compiled_modules(*, write: bool = True) -> None:
    """Keep the compiled modules of this process in build/pycache, and mend those that are cut.

    Args:
        write: write there; else only read what is there.
    """
    sys.pycache_prefix = os.path.join(ROOT, "build", "pycache")
    sys.dont_write_bytecode = not write
    SourceFileLoader.get_code = _get_whole_code  # type: ignore


def _get_whole_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
    try:
        return _get_code(loader, fullname)
    except DAMAGED:
        path = loader.get_filename(fullname)
        if sys.dont_write_bytecode:
            return loader.source_to_code(loader.get_data(path), path)
        with contextlib.suppress(OSError):
            os.unlink(cache_from_source(path))
        return _get_code(loader, fullname)


def main() -> None:
    """Run the command line."""
    keep_compiled_modules()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path[0] = os.getcwd()
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(sys.argv[0])
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
