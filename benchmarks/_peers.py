"""Other projects' apps, as they are published: bcc's libbpf-tools."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from base.settings import Settings
from fetch import cache, download, pins

PINS = Path(__file__).with_name("peers.toml")
LIBBPF_TOOLS = "libbpf-tools"


def libbpf_tools(settings: Settings) -> Path:
    """Return the folder of bcc's libbpf-tools, unmodified. It is shared: write nothing there.

    It is in the cache, in a folder whose name is the archive's sha256.

    Raises:
        DroidbpfError: the archive cannot be downloaded.
    """
    archive = download.obtain(pins.load(PINS)["bcc"], settings)
    folder = settings.cache / "peers" / archive.name
    with cache.lock(settings.cache, f"peers-{archive.name}"):
        if not folder.is_dir():
            folder.parent.mkdir(exist_ok=True)
            made = tempfile.mkdtemp(dir=folder.parent)
            command = ["tar", "-xf", str(archive), "-C", made, "--strip-components=1"]
            subprocess.run([*command, "--wildcards", f"*/{LIBBPF_TOOLS}"], check=True)
            Path(made).rename(folder)
    return folder / LIBBPF_TOOLS


def apps(folder: Path) -> list[str]:
    """Return the names of the apps of a flat folder, sorted."""
    return sorted(path.name.removesuffix(".bpf.c") for path in folder.glob("*.bpf.c"))
