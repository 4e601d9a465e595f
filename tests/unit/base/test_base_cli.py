"""How every command ends: its exit status, its one message, its JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from base import cli
from base.errors import DroidbpfError, did_you_mean, printable

ROOT = Path(__file__).resolve().parents[3]
MODULES = {
    "good": "    cli.print_json({'names': options.names, 'offline': settings.offline})\n",
    "bad": "    raise DroidbpfError('it is broken', 'mend it')\n",
    "slow": "    print('ready', flush=True)\n    time.sleep(60)\n",
    "closed": "    raise OSError(28, 'No space left on device')\n",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package `tool` that has a command of each kind."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "tool/cli").mkdir(parents=True)
    (folder / "tool/__main__.py").write_text(
        "import sys\nfrom base import cli\n"
        f"commands = {dict.fromkeys(MODULES, 'does it')!r}\n"
        "sys.exit(cli.main('tool', 'A tool.', commands, 'tool.cli', cli.add_offline))\n"
    )
    for name, body in MODULES.items():
        (folder / f"tool/cli/{name}.py").write_text(
            "import time\nfrom base import cli\nfrom base.errors import DroidbpfError\n"
            "def add_arguments(parser):\n    parser.add_argument('names', nargs='*')\n"
            f"def run(options, settings):\n{body}    return 0\n"
        )
    return folder


def start(package: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tool", *arguments],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(package: Path, *arguments: str) -> tuple[int, str, str]:
    with start(package, *arguments) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_json_has_the_schema_first_and_options_reach_the_settings(package: Path) -> None:
    status, out, err = run(package, "good", "a", "--offline")
    assert (status, err) == (0, "")
    assert list(json.loads(out).items()) == [("schema", 1), ("names", ["a"]), ("offline", True)]


def test_failure_is_two_lines_and_status_2(package: Path) -> None:
    assert run(package, "bad") == (2, "", "error: it is broken\nhint: mend it\n")


def test_unknown_command_is_refused_with_the_nearest(package: Path) -> None:
    expected = "error: there is no command god\\x1b\nhint: did you mean good?\n"
    assert run(package, "god\x1b") == (2, "", expected)


def test_help_lists_every_command(package: Path) -> None:
    status, out, _ = run(package, "--help")
    assert status == 0
    assert out.startswith("usage: ./dev tool COMMAND")
    assert all(f"  {name}" in out for name in MODULES)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGINT, (130, "error: interrupted\n")),
        (signal.SIGTERM, (143, "error: terminated\n")),
    ],
)
def test_signal_ends_it_with_one_line(
    package: Path, number: signal.Signals, expected: tuple[int, str]
) -> None:
    with start(package, "slow") as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert (process.wait(timeout=60), process.stderr.read()) == expected


def test_closed_pipe_ends_it_silently_with_141(package: Path) -> None:
    with start(package, "good", *["name"] * 10_000) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (141, "")


def test_output_that_cannot_be_written_is_one_line_and_status_2(package: Path) -> None:
    assert run(package, "closed") == (
        2,
        "",
        "error: No space left on device: the output cannot be written\n",
    )


def test_error_prints_its_hint_below() -> None:
    assert str(DroidbpfError("x")) == "error: x"
    assert str(DroidbpfError("x", "y")) == "error: x\nhint: y"


def test_hint_offers_the_nearest_name_whatever_its_case() -> None:
    assert did_you_mean("ARCh", ["arch", "app"]) == "did you mean arch?"
    assert did_you_mean("zzz", ["arch", "app"], "see -h") == "see -h"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("käfer 甲", "käfer 甲"),
        ("a\x1b[31mb\n", r"a\x1b[31mb\n"),
        ("\u202ea", r"\u202ea"),
        ("a\udcffb", r"a\udcffb"),
        ("\x9b", r"\x9b"),
    ],
)
def test_control_characters_are_escaped_and_nothing_else(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_parser_speaks_of_dev() -> None:
    assert cli.new_parser("tool run", "Text.").format_usage() == "usage: ./dev tool run [-h]\n"
