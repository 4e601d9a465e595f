"""Run a module or a script as `python` does, but end cleanly at Ctrl-C and survive cut .pyc files.

    python base/launch.py -m MODULE ARGUMENT…
    python base/launch.py SCRIPT ARGUMENT…

Signals: from the first moment, Ctrl-C and SIGTERM end the process with one line. `./dev` runs this
with both blocked, if its env(1) can: they wait while Python starts, and arrive once there are
handlers. Most commands install their own later, as base.cli and base.interrupts do.

Our compiled modules are kept in .venv/pycache, whatever the environment says of others. Python
before 3.12.8 does not notice when a full disk cuts one short
(https://github.com/python/cpython/issues/126606), and every later start that reads it ends with an
EOFError. Here such a file is removed and compiled again. This file is run by its path, so it is
never kept compiled itself. PYTHONPYCACHEPREFIX would not do: it also applies to the modules of
Python and of packages, which come compiled.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from types import CodeType

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENTS = os.path.join(ROOT, ".venv")  # begins the name of the one without root, too
COMPILED = os.path.join(ENVIRONMENTS, "pycache")
SCONS = "SCons"  # SConstruct decides on its compiled modules, base.interrupts on its signals
WORDS = {signal.SIGINT: b"interrupted", signal.SIGTERM: b"terminated"}
DAMAGED = (EOFError, ValueError, TypeError, ImportError)  # that unmarshalling raises

_get_code = SourceFileLoader.get_code
_one_at_a_time = threading.Lock()


def keep_compiled_modules(*, write: bool = True) -> None:
    """Keep our compiled modules in .venv/pycache, and compile again those that are cut.

    Args:
        write: write there; else only read what is there.
    """
    settings = sys.pycache_prefix, sys.dont_write_bytecode

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        path = loader.get_filename(fullname)
        if not path.startswith(f"{ROOT}/") or path.startswith(ENVIRONMENTS):
            return _get_code(loader, fullname)
        with _one_at_a_time:
            sys.pycache_prefix, sys.dont_write_bytecode = COMPILED, not write
            try:
                return _get_whole_code(loader, fullname, path)
            finally:
                sys.pycache_prefix, sys.dont_write_bytecode = settings

    SourceFileLoader.get_code = get_code  # type: ignore


def _get_whole_code(loader: SourceFileLoader, fullname: str, path: str) -> CodeType | None:
    try:
        return _get_code(loader, fullname)
    except DAMAGED:
        if sys.dont_write_bytecode:
            return loader.source_to_code(loader.get_data(path), path)
        with contextlib.suppress(OSError):
            os.unlink(cache_from_source(path))
        return _get_code(loader, fullname)


def handle_signals() -> None:
    """End this process in one line at SIGINT and SIGTERM; what is ignored stays ignored."""
    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORDS)


def _end(number: int, _: object) -> None:
    os.write(2, b"error: %s\n" % WORDS[signal.Signals(number)])
    os._exit(128 + number)


def main() -> None:
    """Run the command line."""
    handle_signals()
    del sys.argv[0]
    module = sys.argv[0] == "-m"
    if module:
        del sys.argv[0]
    name = sys.argv[0]
    if name != SCONS:
        keep_compiled_modules()
    folder = ROOT if module else os.path.dirname(name)
    sys.path[: not sys.flags.safe_path] = [folder]  # in place of base, which Python put first
    try:
        if module:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(name, run_name="__main__")
    finally:
        if name != SCONS:
            handle_signals()


if __name__ == "__main__":
    main()
