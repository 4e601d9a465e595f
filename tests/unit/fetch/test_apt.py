"""Files from a distribution's archive: signed or refused, and never by the system's own state.

The archive is a real one, made and signed here, and given to apt by APT_CONFIG as a machine's own
configuration would be; the last tests ask the distribution's.
"""

import hashlib
import shutil
import threading
from pathlib import Path

import pytest
from package_archive import ORIGIN, SOURCES, SUITE, Archive, deb, kernel, packages, refusal, sources

from base.errors import DroidbpfError
from base.settings import Settings
from fetch import apt, aptconf
from fetch.deb import unpack_deb
from fetch.download import obtain
from fetch.pins import Alternative, Pin

ROOT = Path(__file__).parents[3]
pytest_plugins = ("package_fixtures",)
TOOLS = ("apt-get", "apt-cache", "gpg", "dpkg-deb")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


def thing(settings: Settings, version: str = "1.0-1") -> Path:
    return apt.source_file("thing", version, SUITE, "thing_1.0.orig.tar.gz", settings)


@pytest.fixture
def published(archive: Archive, tmp_path: Path) -> bytes:
    """The package that the archive has."""
    data = deb(tmp_path)
    archive.publish(packages(data))
    archive.serve("pool/kernel_1.0_arm64.deb", data)
    return data


def test_signed_package_is_given_and_cached(
    archive: Archive, settings: Settings, published: bytes
) -> None:
    path = kernel(settings)
    assert path.name == hashlib.sha256(published).hexdigest()
    assert path.read_bytes() == published
    before = len(archive.server.requests)
    assert kernel(settings) == path
    assert kernel(settings._replace(offline=True)) == path
    assert len(archive.server.requests) == before


def test_what_a_killed_download_left_is_removed(settings: Settings, published: bytes) -> None:
    left = settings.cache / "apt" / f"{SUITE}-arm64/download-12345678"
    left.mkdir(parents=True)
    (left / "kernel.deb").write_bytes(published[:100])
    assert kernel(settings).read_bytes() == published
    assert not left.exists()


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
    settings: Settings, told: list[str], published: bytes
) -> None:
    kernel(settings).write_bytes(b"broken")
    assert kernel(settings).read_bytes() == published
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


def test_threads_share_one_state(archive: Archive, settings: Settings, published: bytes) -> None:
    threads = [threading.Thread(target=kernel, args=(settings,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert archive.server.paths.count("/pool/kernel_1.0_arm64.deb") == 1


def test_offline_without_index_opens_no_socket(archive: Archive, settings: Settings) -> None:
    with pytest.raises(DroidbpfError) as failure:
        kernel(settings._replace(offline=True))
    assert failure.value.message == f"offline=1, and there is no index of {SUITE}-arm64 yet"
    assert archive.server.requests == []


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
