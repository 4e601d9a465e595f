"""How proc_mon knows a container by the path of a cgroup: its C code, compiled for this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "apps/proc_mon"
ID = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa00112233445566778899"
OTHER = ID[::-1]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler for this machine")
    built = tmp_path_factory.mktemp("container") / "container.so"
    command = [compiler, "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-std=gnu11"]
    command += ["-I", str(ROOT / "apps/_common")]
    subprocess.run([*command, "-o", built, APP / "container.c"], check=True)
    return ctypes.CDLL(str(built))


@pytest.fixture(scope="module")
def container(library: ctypes.CDLL) -> Callable[[str], str | None]:
    """Return the function that finds the container of a cgroup, None for the host."""
    library.container_find.restype = ctypes.c_void_p

    def find(cgroup: str) -> str | None:
        length = ctypes.c_size_t()
        text = ctypes.create_string_buffer(cgroup.encode())
        found = library.container_find(text, ctypes.byref(length))
        return ctypes.string_at(found, length.value).decode() if found else None

    return find


@pytest.mark.parametrize(
    "cgroup",
    [
        f"/system.slice/docker-{ID}.scope",
        f"/docker/{ID}",
        f"/docker/{ID}/",
        f"/kubepods.slice/kubepods-besteffort.slice/cri-containerd-{ID}.scope",
        f"/kubepods/besteffort/pod0c0ffee0/{ID}",
        f"/kubepods.slice/crio-{ID}.scope",
        f"/kubepods.slice/crio-{ID}.scope/container",
        f"/machine.slice/libpod-{ID}.scope/container",
        f"/libpod_parent/libpod-{ID}",
        f"/system.slice/containerd.service/kubepods-podf00.slice:cri-containerd:{ID}",
        f"/docker/{OTHER}/docker/{ID}",
        f"/ecs/0123456789abcdef0123456789abcdef/{ID}",
        f"/../{ID}",
    ],
)
def test_the_last_id_on_the_way_is_the_containers(
    container: Callable[[str], str | None], cgroup: str
) -> None:
    assert container(cgroup) == ID


@pytest.mark.parametrize(
    ("cgroup", "name"),
    [
        ("/lxc/web", "web"),
        ("/lxc/web/system.slice", "web"),
        ("/lxc.payload/web", "web"),
        ("/lxc.payload.web/init.scope", "web"),
        ("/lxc.payload.a.b", "a.b"),
        (f"/lxc.payload.web/docker/{ID}", ID),
        ("/machine.slice/systemd-nspawn@deb.service/payload/init.scope", "deb"),
        ("/machine.slice/machine-a.b.scope/payload", "a.b"),
        (f"/machine.slice/machine-deb.scope/payload/docker-{ID}.scope", ID),
    ],
)
def test_containers_of_lxc_and_nspawn_have_names(
    container: Callable[[str], str | None], cgroup: str, name: str
) -> None:
    assert container(cgroup) == name


@pytest.mark.parametrize(
    "cgroup",
    [
        "",
        "/",
        "//",
        "/init.scope",
        "/user.slice/user-1000.slice/session-2.scope",
        "/uid_10123/pid_4567",
        "/top-app",
        "/system.slice/docker.service",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/docker/{ID[1:]}",
        f"/docker/a{ID}",
        f"/docker/{ID}a",
        f"/docker-{ID}.slice",
        f"/docker/{ID.upper()}",
        f"/docker/{ID[:-1]}g",
        "/lxc",
        "/lxc/",
        "/lxc.payload",
        "/lxc.payload.",
        "/lxc.monitor.web",
        "/.scope",
    ],
)
def test_all_else_is_the_hosts(container: Callable[[str], str | None], cgroup: str) -> None:
    assert container(cgroup) is None


@pytest.mark.parametrize(
    ("text", "is_id"),
    [(ID, True), (ID[:12], True), (ID[:11], False), (f"{ID}a", False), ("system.slice", False)],
)
def test_an_id_has_12_to_64_hexadecimal_digits(
    library: ctypes.CDLL, text: str, is_id: bool
) -> None:
    library.container_is_id.restype = ctypes.c_bool
    assert library.container_is_id(text.encode()) == is_id
