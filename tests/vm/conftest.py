"""Fixtures of the tests that boot real kernels.

    def test_something(kernel, run_in_vm):                  # once for each of 5.10, 6.1, 6.12
        results = run_in_vm(kernel, [["/bin/app", "-h"]], {"/bin/app": path})
        assert results[0].status == 0 and results[0].stdout == b"…"

A boot costs 1.1 to 1.6 s: put commands that belong together into one run. Options are those of
vm.machine.run().
"""

import os
from collections.abc import Callable, Iterator

import pytest
from processes import children, is_alive

from base.errors import DroidbpfError
from base.settings import Settings
from vm import kernels, machine, qemu

pytest.register_assert_rewrite("guests", "proc_mon_builds", "proc_mon_guest", "syscall_mon_guest")
import guests  # noqa: E402
from proc_mon_builds import btf_guest, builds  # noqa: E402, F401 (fixtures)
from proc_mon_guest import proc_guest  # noqa: E402, F401 (a fixture)
from syscall_mon_guest import guest  # noqa: E402, F401 (a fixture)

RunInVm = Callable[..., machine.Results]


@pytest.fixture(autouse=True)
def _no_qemu_is_left() -> Iterator[None]:
    yield
    assert [pid for pid in children(os.getpid()) if is_alive(pid)] == []


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Return the settings of the user's cache: kernels are downloaded once."""
    return Settings.from_environment()


@pytest.fixture(scope="session")
def find_kernel(settings: Settings) -> Callable[[str], kernels.Kernel]:
    """Return the function that finds a kernel by name; the test skips if there is none."""

    def find(name: str) -> kernels.Kernel:
        try:
            qemu.find()
            return kernels.kernel(name, settings)
        except DroidbpfError as error:
            pytest.skip(f"no kernel {name} here: {error.message}")

    return find


@pytest.fixture(params=["5.10", "6.1", "6.12"])
def kernel(
    request: pytest.FixtureRequest, find_kernel: Callable[[str], kernels.Kernel]
) -> kernels.Kernel:
    """Return each of the distribution's kernels in turn."""
    return find_kernel(request.param)


@pytest.fixture
def old_kernel(find_kernel: Callable[[str], kernels.Kernel]) -> kernels.Kernel:
    """Return the oldest kernel, for tests that one kernel is enough for."""
    return find_kernel("5.10")


@pytest.fixture
def nobtf_kernel() -> kernels.Kernel:
    """Return a kernel like android12-5.10's, built without BTF and without syscall tracepoints."""
    return guests.kernel(guests.NOBTF)


@pytest.fixture
def run_in_vm(settings: Settings) -> RunInVm:
    """Return vm.machine.run() with the session's settings."""

    def run(kernel: kernels.Kernel, commands: object, *rest: object, **options: object) -> object:
        return machine.run(kernel, commands, *rest, **{"settings": settings, **options})  # type: ignore[arg-type]

    return run  # type: ignore[return-value]
