"""No name from outside reaches the terminal with characters that it would obey."""

from __future__ import annotations

from pathlib import Path

import hubs
import pytest

from btfhub.__main__ import main

ESC = "a\x1b[2J\nb"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a hub, an empty folder and damaged files whose names end a line."""
    monkeypatch.setenv("DROIDBPF_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    hubs.fill(Path("hub"))
    hubs.fill(Path(f"{ESC}hub"))
    Path(f"{ESC}empty").mkdir()
    for ending in (".btf", ".btf.tar.xz", ".o", ".gz", ".elf"):
        Path(f"{ESC}{ending}").write_bytes(b"\x9f\xeb")
    Path(f"{ESC}.xz").write_bytes(b"\xfd7zXZ\0")
    Path(f"{ESC}.gz").write_bytes(b"\x1f\x8b")
    Path(f"{ESC}.elf").write_bytes(b"\x7fELF")
    Path(f"5.10.1-{ESC}.json").write_text("{")


@pytest.mark.parametrize(
    "command",
    [
        ["resolve", ESC],
        ["resolve", "5.10.1", "--hub", f"{ESC}none"],
        ["resolve", "5.10.1-android12-9", "--lock", f"{ESC}none"],
        ["resolve", "5.10.1-android12-9", "--lock", f"{ESC}.o"],
        ["list", ESC],
        ["list", "--hub", f"{ESC}none"],
        ["pull", ESC, "--offline"],
        ["pull", "a12-5.10-2022-05", "--hub", f"{ESC}hub"],
        ["pull", "a12-5.10-2022-05", "--hub", f"http://{ESC}.invalid/", "--offline"],
        ["check", ESC],
        *(
            ["check", f"./{ESC}{ending}"]
            for ending in (".btf", ".btf.tar.xz", ".xz", ".gz", ".elf")
        ),
        ["check", f"./{ESC}none.btf"],
        ["lint", f"./{ESC}.btf"],
        ["lint", "--object", f"{ESC}.o", "all"],
        ["lint", "--object", f"{ESC}none.o", "all"],
        ["minimize", "--object", f"{ESC}.o", "all"],
        ["minimize", "--object", f"{ESC}none", "all"],
        ["report", "--object", f"{ESC}.o", f"./{ESC}.btf"],
        ["embed", "--app", ESC, "--out", "out.c", f"5.10.1-{ESC}.btf"],
        ["embed", "--app", ESC, "--out", "out.c", f"{ESC}.btf"],
        ["encode", f"{ESC}.elf", "--name", "a12-5.10-2022-05"],
        ["encode", f"{ESC}.btf", "--name", "a12-5.10-2022-05"],
        ["encode", f"{ESC}none", "--name", "a12-5.10-2022-05"],
        ["encode", f"{ESC}none", "--name", ESC],
        ["encode", f"{ESC}none", "--release", ESC],
        ["index", f"{ESC}none"],
        ["index", f"{ESC}empty"],
        ["lock", "--hub", f"{ESC}hub", "--lock", "lock", "--replace", ESC],
        ["lock", "--hub", f"{ESC}none", "--lock", "lock"],
        [ESC],
    ],
    ids=str,
)
def test_message_is_printable(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "error: " in printed.err
    lines = (printed.out + printed.err).splitlines()
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("b") for line in lines)  # what followed the newline
