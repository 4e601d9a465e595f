"""Takes the picture of an HTML page: `python docs/screenshot.py PAGE.html PICTURE.png`."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import DroidbpfError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 60  # seconds
_PNG = b"\x89PNG\r\n\x1a\n"


def main(arguments: list[str] | None = None) -> int:
    """Take one picture; return the exit status: 0 done, 2 failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, metavar="PAGE.html")
    parser.add_argument("picture", type=Path, metavar="PICTURE.png")
    parser.add_argument("--size", default="1400x900", metavar="WxH", help="in pixels [1400x900]")
    parser.add_argument(
        "--scale", type=float, default=1, metavar="N", help="device pixels each [1]"
    )
    parser.add_argument("--dark", action="store_true", help="as a user sees it who prefers dark")
    options = parser.parse_args(arguments)
    try:
        take(options.page, options.picture, _size(options.size), options.scale, options.dark)
    except DroidbpfError as error:
        print(error, file=sys.stderr)
        return 2
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
        size: of the window, width and height in CSS pixels.
        scale: device pixels for each of them.

    Raises:
        DroidbpfError: there is no page, no browser, or the browser fails.
    """
    if not page.is_file():
        raise DroidbpfError(f"there is no file {page}")
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), "")
    if not browser:
        raise DroidbpfError(
            "there is no chromium to take a picture with", "install it: apt-get install chromium"
        )
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
            why = "".join(f"\n  {line}" for line in last)
            raise DroidbpfError(f"{browser} took no picture of {page}:{why or ' no message'}")
    try:
        picture.write_bytes(data)
    except OSError as error:
        raise DroidbpfError(f"cannot write {picture}: {error.strerror}") from error


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise DroidbpfError(f"{text} is no size", "give it as 1400x900")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
