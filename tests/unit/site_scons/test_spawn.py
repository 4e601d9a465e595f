"""What the commands of steps print reaches the terminal without control characters."""

from __future__ import annotations

import pytest

import spawn

HOSTILE = r"a.c:1: error: \033]0;title\007\033[2J\033[1mbold\033[0m \377 ä\n"


@pytest.fixture(autouse=True)
def no_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "failed", {})


def printed(capfd: pytest.CaptureFixture[str], *command: str) -> str:
    assert spawn.run_step("sh", str, command[0], list(command), {"PATH": "/usr/bin:/bin"}) == 0
    return capfd.readouterr().err


def test_control_characters_of_a_command_are_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    assert printed(capfd, "printf", HOSTILE) == (
        r"a.c:1: error: \x1b]0;title\x07\x1b[2J\x1b[1mbold\x1b[0m \udcff ä" + "\n"
    )


def test_colours_that_were_asked_for_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert printed(capfd, "printf", f"{HOSTILE}%.0s", spawn.COLOURED) == (
        r"a.c:1: error: \x1b]0;title\x07\x1b[2J" + "\x1b[1mbold\x1b[0m " + r"\udcff ä" + "\n"
    )
