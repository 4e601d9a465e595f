"""A copy of ./dev whose environment is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from dev_copy import copy_of_dev, run


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ./dev whose environment is made, in a path with spaces."""
    dev = copy_of_dev(tmp_path_factory.mktemp("dev") / "a folder" / "with spaces")
    done = run(dev, "true")
    if "packages are missing" in done.stderr:
        pytest.skip("packages of the distribution are missing, and cannot be installed")
    assert done.returncode == 0, done.stderr
    assert (dev.parent / ".venv/ready").is_file()
    return dev
