"""Files from the distribution's real archive, by its real keyring."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from base.settings import Settings
from fetch import aptconf
from fetch.download import obtain
from fetch.pins import load

ROOT = Path(__file__).parents[2]


def fingerprint(*folders: str) -> dict[str, int]:
    files = [p for folder in folders for p in Path(folder).rglob("*") if p.is_file()]
    return {str(p): p.stat().st_mtime_ns for p in files}


def distribution_reachable() -> bool:
    done = subprocess.run(["apt-get", "indextargets"], capture_output=True, text=True, check=False)
    return aptconf.os_release().get("ID") == "debian" and "Packages" in done.stdout


needs_debian = pytest.mark.skipif(
    shutil.which("apt-get") is None or not distribution_reachable(), reason="needs Debian's archive"
)


@needs_debian
def test_the_projects_pins_come_from_the_real_archive(
    tmp_path: Path,
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    before = fingerprint("/var/lib/apt", "/etc/apt", "/var/cache/apt")
    for pin in load(ROOT / "third_party" / "sources.toml").values():
        path = obtain(replace(pin, urls=()), settings)
        assert path.name == pin.alternatives[0].sha256
    assert fingerprint("/var/lib/apt", "/etc/apt", "/var/cache/apt") == before


@needs_debian
def test_ordinary_user_gets_a_package_too(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    for path in (tmp_path, *tmp_path.parents):
        if path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    code = (
        "import sys; from pathlib import Path; from fetch import apt\n"
        "from base.settings import Settings\n"
        "print(apt.binary('busybox-static', suite='bookworm', arch='arm64',"
        " settings=Settings(Path(sys.argv[1]))))"
    )
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 65534, 65534)
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-c", code, tmp_path / "cache"],
        cwd=ROOT, user=65534, group=65534, extra_groups=[], text=True, capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
