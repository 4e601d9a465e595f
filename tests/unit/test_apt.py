"""Files from a distribution's archive: signed or refused, and never by the system's own state.

The archive is a real one, made and signed here, and given to apt by APT_CONFIG as a machine's own
configuration would be; the last tests ask the distribution's.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import http_server
import pytest
from http_server import Server, body

from fetch import apt, aptconf
from fetch.deb import unpack_deb
from fetch.download import Settings, obtain
from fetch.errors import DroidbpfError
from fetch.pins import Alternative, Pin

ROOT = Path(__file__).parents[2]
TOOLS = ("apt-get", "apt-cache", "gpg", "dpkg-deb")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)
ORIGIN = aptconf.os_release().get("ID", "").capitalize()
SUITE = aptconf.os_release().get("VERSION_CODENAME", "")
SOURCES = b"int main(void) { return 0; }\n" * 1000


@dataclass
class Archive:
    """A package archive in a folder, served by HTTP."""

    folder: Path
    home: Path
    server: Server
    release: str = ""

    def serve(self, path: str, data: bytes) -> None:
        self.server.routes[f"/{path}"] = body(data)

    def publish(self, indexes: dict[str, bytes], extra: str = "", sign: bool = True) -> None:
        """Write the indexes and the (signed) release file over them."""
        lines = [f" {hashlib.sha256(b).hexdigest()} {len(b)} {n}" for n, b in indexes.items()]
        self.release = (
            f"Origin: {ORIGIN}\nLabel: {ORIGIN}\nSuite: {SUITE}\nCodename: {SUITE}\n"
            f"Date: Sat, 01 Jan 2022 00:00:00 UTC\n{extra}"
            "Architectures: arm64 amd64\nComponents: main\nSHA256:\n" + "\n".join(lines) + "\n"
        )
        for name, data in indexes.items():
            self.serve(f"dists/{SUITE}/{name}", data)
        if sign:
            command = ["gpg", "--homedir", self.home, "--batch", "--clearsign"]
            done = subprocess.run(
                command, input=self.release.encode(), stdout=subprocess.PIPE, check=True
            )
            self.serve(f"dists/{SUITE}/InRelease", done.stdout)
        else:
            self.serve(f"dists/{SUITE}/Release", self.release.encode())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch"]
    make = ["--passphrase", "", "--quick-gen-key", "Archive <a@example>", "ed25519", "sign", "0"]
    subprocess.run([*gpg, *make], check=True, capture_output=True)
    with (home / "key.gpg").open("wb") as file:
        subprocess.run([*gpg, "--export"], check=True, stdout=file)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


@pytest.fixture
def archive(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """Make this machine's apt one that knows a single archive, on loopback."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with http_server.running() as server:
        key = tmp_path / "key.gpg"
        shutil.copyfile(keys / "key.gpg", key)
        tmp_path.chmod(0o755)
        line = f"deb [signed-by={key}] {server.url} {SUITE} main\n"
        (tmp_path / "sources.list").write_text(line)
        (tmp_path / "empty").mkdir()
        (tmp_path / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\n'
            f'Dir::Etc::sourceparts "{tmp_path}/empty";\n'
            f'Dir::Etc::parts "{tmp_path}/empty";\n'
            f'Dir::State::lists "{tmp_path}/empty";\n'
            'Acquire::Retries "0";\n'
        )
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
        yield Archive(tmp_path / "archive", keys, server)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def settings(tmp_path: Path, told: list[str]) -> Settings:
    return Settings(cache=tmp_path / "cache", report=told.append)


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


def sources(data: bytes = SOURCES, version: str = "1.0-1") -> dict[str, bytes]:
    text = (
        f"Package: thing\nBinary: thing\nVersion: {version}\nMaintainer: a <a@b>\n"
        "Architecture: any\nFormat: 3.0 (quilt)\nDirectory: pool/thing\nChecksums-Sha256:\n"
        f" {'0' * 64} 100 thing_{version}.dsc\n"
        f" {hashlib.sha256(data).hexdigest()} {len(data)} thing_1.0.orig.tar.gz\n\n"
    )
    return {"main/source/Sources": text.encode()}


def kernel(settings: Settings) -> Path:
    return apt.binary("kernel", suite=SUITE, arch="arm64", settings=settings)


def thing(settings: Settings, version: str = "1.0-1") -> Path:
    return apt.source_file("thing", version, SUITE, "thing_1.0.orig.tar.gz", settings)


def refusal(settings: Settings) -> str:
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings)
    assert not (settings.cache / "sha256").exists()
    return failure.value.message


def test_signed_package_is_given_and_cached(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    path = kernel(settings)
    assert path.name == hashlib.sha256(data).hexdigest()
    assert path.read_bytes() == data
    before = len(archive.server.requests)
    assert kernel(settings) == path
    assert kernel(replace(settings, offline=True)) == path
    assert len(archive.server.requests) == before


def test_only_the_wanted_index_is_downloaded(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data) | sources() | {"main/i18n/Translation-en": b"x"})
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    kernel(settings)
    asked = [path for path in archive.server.paths if "InRelease" not in path]
    assert asked == [
        f"/dists/{SUITE}/main/binary-arm64/Packages",
        "/pool/kernel_1.0_arm64.deb",
    ]


def test_dependencies_are_named(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    found = apt.depends("kernel", suite=SUITE, arch="arm64", settings=settings)
    assert found == ("linux-image-6.1-arm64", "libc6")


def test_unsigned_archive_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"), sign=False)
    assert f"'{archive.server.url} {SUITE} Release' is not signed" in refusal(settings)


def test_tampered_release_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    signed: list[bytes] = []

    class Sink:
        def head(self, *_: object, **__: object) -> None: ...

        headers: dict[str, str] = {}  # noqa: RUF012

        def send(self, data: bytes) -> None:
            signed.append(data)

    archive.server.routes[f"/dists/{SUITE}/InRelease"](Sink())  # type: ignore[arg-type]
    archive.serve(f"dists/{SUITE}/InRelease", b"".join(signed).replace(b"Label: ", b"Label: X"))
    assert "The following signatures were invalid: BADSIG" in refusal(settings)


def test_foreign_key_is_refused(archive: Archive, settings: Settings, tmp_path: Path) -> None:
    archive.publish(packages(b"x"))
    (tmp_path / "key.gpg").write_bytes(b"")
    assert "NO_PUBKEY" in refusal(settings)


def test_tampered_index_is_refused(archive: Archive, settings: Settings) -> None:
    archive.publish(packages(b"x"))
    name = "main/binary-arm64/Packages"
    tampered = packages(b"x")[name].replace(b"kernel", b"kernal")
    archive.serve(f"dists/{SUITE}/{name}", tampered)
    assert "Hash Sum mismatch" in refusal(settings)


def test_tampered_package_is_refused(archive: Archive, settings: Settings, tmp_path: Path) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data[:-1] + b"x")
    assert "Hash Sum mismatch" in refusal(settings)


def test_unknown_package_is_a_clear_error(archive: Archive, settings: Settings) -> None:
    index = packages(b"x")["main/binary-arm64/Packages"].replace(b"kernel", b"other")
    archive.publish({"main/binary-arm64/Packages": index})
    assert refusal(settings) == f"no package kernel in {SUITE}-arm64"


def test_package_that_left_the_pool_refreshes_the_index(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    archive.publish(packages(b"old"))
    apt.show("kernel", suite=SUITE, arch="arm64", settings=settings)
    data = deb(tmp_path, "2.0")
    archive.publish(packages(data, "2.0"))
    archive.serve("pool/kernel_2.0_arm64.deb", data)
    assert kernel(settings).read_bytes() == data


def test_expired_index_is_used_and_told(
    archive: Archive, settings: Settings, tmp_path: Path, told: list[str]
) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data), extra="Valid-Until: Sun, 02 Jan 2022 00:00:00 UTC\n")
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    assert kernel(settings).read_bytes() == data
    assert len(told) == 1
    assert "expired" in told[0]
    assert told[0].endswith("; it is used all the same: its signature is good")


def test_corrupt_cached_package_is_fetched_again(
    archive: Archive, settings: Settings, tmp_path: Path, told: list[str]
) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    kernel(settings).write_bytes(b"broken")
    assert kernel(settings).read_bytes() == data
    assert len(told) == 1


def test_source_file_is_given(archive: Archive, settings: Settings) -> None:
    archive.publish(sources())
    archive.serve("pool/thing/thing_1.0.orig.tar.gz", SOURCES)
    assert thing(settings).read_bytes() == SOURCES


def test_newer_package_revision_with_the_same_file_will_do(
    archive: Archive, settings: Settings
) -> None:
    archive.publish(sources(version="1.0-2"))
    archive.serve("pool/thing/thing_1.0.orig.tar.gz", SOURCES)
    assert thing(settings, "1.0-1").read_bytes() == SOURCES


def test_missing_source_file_is_a_clear_error(archive: Archive, settings: Settings) -> None:
    archive.publish(
        {"main/source/Sources": sources()["main/source/Sources"].replace(b"1.0.orig", b"2")}
    )
    with pytest.raises(DroidbpfError) as failure:
        thing(settings)
    assert failure.value.message == "source package thing has no file thing_1.0.orig.tar.gz"


def pin_in_distribution(sha256: str) -> Pin:
    place = Alternative(
        aptconf.os_release().get("ID", ""), SUITE, "thing", "1.0-1", "thing_1.0.orig.tar.gz",
        sha256, len(SOURCES),
    )  # fmt: skip
    return Pin("thing", "1.0", "t.tar.gz", "0" * 64, 1, ("http://no.invalid/t",), (place,))


def test_pin_is_obtained_from_the_distribution_last(archive: Archive, settings: Settings) -> None:
    archive.publish(sources())
    archive.serve("pool/thing/thing_1.0.orig.tar.gz", SOURCES)
    pin = pin_in_distribution(hashlib.sha256(SOURCES).hexdigest())
    assert obtain(pin, settings).read_bytes() == SOURCES


def test_distribution_with_other_bytes_is_not_trusted(
    archive: Archive, settings: Settings, told: list[str]
) -> None:
    archive.publish(sources())
    archive.serve("pool/thing/thing_1.0.orig.tar.gz", SOURCES)
    with pytest.raises(DroidbpfError):
        obtain(pin_in_distribution("1" * 64), settings)
    sha256 = hashlib.sha256(SOURCES).hexdigest()
    place = f"source archive of {ORIGIN.lower()} {SUITE}"
    assert told == [f"t.tar.gz: {place} is skipped: thing_1.0.orig.tar.gz has sha256 {sha256}"]


def test_threads_share_one_state(archive: Archive, settings: Settings, tmp_path: Path) -> None:
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    threads = [threading.Thread(target=kernel, args=(settings,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert archive.server.paths.count("/pool/kernel_1.0_arm64.deb") == 1


def test_offline_without_index_opens_no_socket(archive: Archive, settings: Settings) -> None:
    with pytest.raises(DroidbpfError) as failure:
        kernel(replace(settings, offline=True))
    assert failure.value.message == f"offline=1, and there is no index of {SUITE}-arm64 yet"
    assert archive.server.requests == []


def test_machine_without_apt_is_a_clear_reason(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings)
    assert failure.value.message == "no apt-get on this machine"


def test_other_distribution_is_a_clear_reason(settings: Settings) -> None:
    with pytest.raises(DroidbpfError) as failure:
        apt.source_file("a", "1", "x", "a.tar", settings, distribution="plan9")
    assert failure.value.message == f"this machine runs {ORIGIN.lower()}, not plan9"


def test_no_archive_configured_is_a_clear_error(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "sources.list").write_text("")
    assert refusal(settings) == (
        f"apt is configured with no archive of {ORIGIN.lower()} that could carry {SUITE} (arm64)"
    )


@pytest.mark.parametrize("suite", ["../x", "-o", "a b", ""])
def test_malformed_suite_is_refused(settings: Settings, suite: str) -> None:
    with pytest.raises(DroidbpfError) as failure:
        apt.show("a", suite=suite, arch="arm64", settings=settings)
    assert failure.value.message == f"no such suite, architecture or package: {suite!r}"


def test_third_party_archive_of_the_same_suite_is_not_chosen(
    archive: Archive, settings: Settings, tmp_path: Path
) -> None:
    line = (tmp_path / "sources.list").read_text()
    (tmp_path / "empty" / "vendor.list").write_text(
        f"deb http://vendor.invalid/repo {SUITE} main\ndeb http://vendor.invalid/x {SUITE} extra\n"
    )
    (tmp_path / "sources.list").write_text(f"{line}deb http://vendor.invalid/y any vendor\n")
    archive.publish(packages(b"x"))
    assert apt.show("kernel", suite=SUITE, arch="arm64", settings=settings)["Version"] == "1.0"


def test_embedded_key_of_a_deb822_source_is_used(
    archive: Archive, settings: Settings, tmp_path: Path, keys: Path
) -> None:
    done = subprocess.run(
        ["gpg", "--homedir", keys, "--batch", "--armor", "--export"],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    key = "".join(f" {line or '.'}\n" for line in done.stdout.splitlines())
    (tmp_path / "sources.list").write_text("")
    (tmp_path / "empty" / "debian.sources").write_text(
        f"# a comment\nTypes: deb\nURIs: {archive.server.url}\nSuites: {SUITE} {SUITE}-updates\n"
        f"Components: main\nSigned-By:\n{key}"
    )
    archive.publish(packages(b"x"))
    assert apt.show("kernel", suite=SUITE, arch="arm64", settings=settings)["Version"] == "1.0"


def test_package_is_read_in_memory(tmp_path: Path) -> None:
    deb(tmp_path)
    found = unpack_deb(tmp_path / "k.deb", lambda path: path.startswith("boot/"))
    assert found == {"boot/Image": b"kernel" * 100, "boot/image": b"other"}


def test_damaged_package_is_a_clear_error(tmp_path: Path) -> None:
    data = deb(tmp_path)
    (tmp_path / "k.deb").write_bytes(data[:-100])
    with pytest.raises(DroidbpfError) as failure:
        unpack_deb(tmp_path / "k.deb", lambda path: True)
    assert failure.value.message.startswith(f"the package {tmp_path}/k.deb is damaged")


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
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fetch.pins import load

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
        "from fetch.settings import Settings\n"
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
    assert sys.executable
