"""`python -m fetch.pip_wheel` prints the path of a wheel of pip, for a Python that has none.

Debian keeps pip out of its Python: it is in a package of wheels, which root need not install. Only
the standard library is used: this runs before there is any other.
"""

import sys
from pathlib import Path

from base import cli, files
from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt, aptconf, cache, programs
from fetch.deb import unpack_deb

PACKAGE = "python3-pip-whl"


def wheel(settings: Settings) -> Path:
    """Return the wheel of pip of the machine's own release, unpacked in the cache.

    Raises:
        DroidbpfError: no apt, or the distribution's archive has no such package.
    """
    suite = aptconf.os_release().get("VERSION_CODENAME", "")
    arch = programs.run(["dpkg", "--print-architecture"], seconds=60).stdout.strip()
    deb = apt.binary(PACKAGE, suite=suite, arch=arch, settings=settings)
    found = unpack_deb(deb, lambda path: Path(path).match("python-wheels/pip-*.whl"))
    if len(found) != 1:
        raise DroidbpfError(f"{deb} holds {len(found)} wheels of pip instead of one")
    name, content = next(iter(found.items()))
    path = cache.make_folder(settings.cache, "pip") / Path(name).name
    with cache.writing(settings.cache):
        files.write_atomically(path, content)
    return path


def main() -> int:
    """Print the path; return the exit status."""
    return cli.run_cli(_run)


def _run() -> int:
    print(wheel(Settings.from_environment()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
