"""A Debian package archive on loopback, made and signed on the spot, for the tests of apt."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from http_server import Server, body

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt, aptconf

ORIGIN = aptconf.os_release().get("ID", "").capitalize()
SUITE = aptconf.os_release().get("VERSION_CODENAME", "")


@dataclass
class Archive:
    """A package archive in a folder, served by HTTP."""

    folder: Path
    home: Path
    server: Server
    release: str = ""

    def serve(self, path: str, data: bytes) -> None:
        self.server.routes[f"/{path}"] = body(data)

    def publish(
        self,
        indexes: dict[str, bytes],
        extra: str = "",
        sign: bool = True,
        suite: str = SUITE,
        named: str = "",
    ) -> None:
        """Write the indexes and the (signed) release file over them.

        Args:
            suite: the folder of the release file.
            named: the suite that the release file names, if it is another one.
        """
        lines = [f" {hashlib.sha256(b).hexdigest()} {len(b)} {n}" for n, b in indexes.items()]
        self.release = (
            f"Origin: {ORIGIN}\nLabel: {ORIGIN}\nSuite: some\nCodename: {named or suite}\n"
            f"Date: Sat, 01 Jan 2022 00:00:00 UTC\n{extra}"
            "Architectures: arm64 amd64\nComponents: main\nSHA256:\n" + "\n".join(lines) + "\n"
        )
        for name, data in indexes.items():
            self.serve(f"dists/{suite}/{name}", data)
        if sign:
            command = ["gpg", "--homedir", self.home, "--batch", "--clearsign"]
            done = subprocess.run(
                command, input=self.release.encode(), stdout=subprocess.PIPE, check=True
            )
            self.serve(f"dists/{suite}/InRelease", done.stdout)
        else:
            self.serve(f"dists/{suite}/Release", self.release.encode())


def deb(tmp_path: Path, version: str = "1.0") -> bytes:
    tree = tmp_path / f"deb-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "boot").mkdir()
    (tree / "boot/Image").write_bytes(b"kernel" * 100)
    (tree / "boot/image").write_text("other")
    (tree / "boot/link").symlink_to("/etc/passwd")
    (tree / "DEBIAN/control").write_text(
        f"Package: kernel\nVersion: {version}\nArchitecture: arm64\nMaintainer: a <a@b>\n"
        "Description: test\n"
    )
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", tree, tmp_path / "k.deb"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return (tmp_path / "k.deb").read_bytes()


def packages(data: bytes, version: str = "1.0") -> dict[str, bytes]:
    text = (
        f"Package: kernel\nVersion: {version}\nArchitecture: arm64\n"
        "Depends: linux-image-6.1-arm64 (= 6.1.1) | other, libc6 (>= 2)\n"
        f"Filename: pool/kernel_{version}_arm64.deb\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\nDescription: test\n\n"
    )
    return {"main/binary-arm64/Packages": text.encode()}


def kernel(settings: Settings, suite: str = SUITE) -> Path:
    return apt.binary("kernel", suite=suite, arch="arm64", settings=settings)


def refusal(settings: Settings) -> str:
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings)
    assert not (settings.cache / "sha256").exists()
    return failure.value.message
