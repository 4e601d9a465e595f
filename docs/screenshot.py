"""Takes a picture of an HTML page: `./dev python docs/screenshot.py PAGE.html PICTURE.png`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base import cli
from base.errors import DroidbpfError, printable, printable_lines
from base.files import write_atomically

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 60  # seconds
_PNG = b"\x89PNG\r\n\x1a\n"


def main() -> int:
    """Take one picture; return the exit status: 0 done, 2 failed."""
    return cli.run_cli(_run)


def _run() -> int:
    parser = cli.new_parser("python docs/screenshot.py", "Take a picture of an HTML page.")
    add = parser.add_argument
    add("page", type=Path, metavar="PAGE.html")
    add("picture", type=Path, metavar="PICTURE.png")
    add("--size", default="1400x900", metavar="WxH", help="CSS pixels (default: 1400x900)")
    add("--scale", type=float, default=1, metavar="N", help="device pixels per CSS pixel (1)")
    add("--dark", action="store_true", help="use the dark colour scheme")
    options = parser.parse_args()
    take(options.page, options.picture, _size(options.size), options.scale, options.dark)
    return 0


def take(
    page: Path,
    picture: Path,
    size: tuple[int, int] = (1400, 900),
    scale: float = 1,
    dark: bool = False,
) -> None:
    """Write what a browser shows of a page as a PNG file.

    Args:
        size: width and height of the window in CSS pixels.
        scale: device pixels per CSS pixel.

    Raises:
        DroidbpfError: the page or the browser is missing, or the browser fails.
    """
    shown = printable(str(page))
    if not page.is_file():
        raise DroidbpfError(f"there is no file {shown}")
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), "")
    if not browser:
        raise DroidbpfError("chromium is not installed", "install it: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "picture.png")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--force-device-scale-factor={scale:g}",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={written}",
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # chromium refuses to run as root with it
        command.append(page.resolve().as_uri())
        try:
            done = subprocess.run(
                command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise DroidbpfError(f"{browser} did not end in {_TIMEOUT} s") from error
        except OSError as error:
            raise DroidbpfError(f"cannot run {browser}: {error.strerror}") from error
        data = written.read_bytes() if written.is_file() else b""
        if done.returncode or not data.startswith(_PNG):
            last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
            why = printable_lines("".join(f"\n  {line}" for line in last))
            raise DroidbpfError(f"{browser} took no picture of {shown}:{why or ' no message'}")
    write_atomically(picture, data)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise DroidbpfError(f"not a size: {printable(text)}", "write it as 1400x900")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
