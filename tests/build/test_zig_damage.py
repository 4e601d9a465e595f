"""What zig says of files in its cache ends with how to be rid of them."""

from __future__ import annotations

import importlib.util

import pytest
from checkout import Tree, download_cache
from toolbox import Toolbox


@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is not None, reason="the ziglang package goes before PATH"
)
@pytest.mark.parametrize(
    ("said", "suspected"),
    [
        ("ld.lld: error: $ZIG_GLOBAL_CACHE_DIR/o/1/libc.a: unknown file type", True),
        ("error: musl crt1.o failed\n    note: failed to check cache: invalid manifest", True),
        ("ld.lld: error: undefined symbol: main\n>>> $ZIG_GLOBAL_CACHE_DIR/o/1/crt1.o:(f)", False),
    ],
)
def test_failure_in_a_file_of_the_cache_names_the_command_that_removes_it(
    tree: Tree, toolbox: Toolbox, said: str, suspected: bool
) -> None:
    (toolbox.folder / "lib/libc/musl").mkdir(parents=True)
    toolbox.script("zig", f'[ "$1" = version ] && exec echo 0.14.1\necho "{said}" >&2; exit 1')
    err = tree.scons("toolchain=zig", "-j1", "hello", env=toolbox.first, status=2).err
    hint = f"hint: if zig's cache is damaged, remove it: rm -r {download_cache()}/zig\n"
    assert err.endswith(hint) is suspected
    assert err.count("hint: if ") == suspected
