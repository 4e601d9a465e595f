"""Which folders are searched for headers."""

from __future__ import annotations

import pytest
from SCons.Environment import Environment

from scanner import header_scanner


@pytest.mark.parametrize(
    ("flags", "folders"),
    [
        ([], []),
        (["-O2", "-Ia"], ["a"]),
        (["-I", "a", "-g", "-I", "b"], ["a", "b"]),
        (["-I"], []),
        (["-I$CPPPATH"], []),
    ],
)
def test_folders_of_flags_are_searched(flags: list[str], folders: list[str]) -> None:
    env = Environment(tools=[], CCFLAGS=flags)
    assert [folder.name for folder in header_scanner().path(env)] == folders
