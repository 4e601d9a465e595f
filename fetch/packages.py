"""The distribution's binary packages that a file of pins names."""

from pathlib import Path

from base.settings import Settings
from fetch import download, pins


def obtain_pinned(path: Path, arch: str, settings: Settings) -> dict[str, Path]:
    """Obtain the binary packages of an architecture that a file of pins names, each verified.

    Args:
        path: a file of pins, each with a [[NAME.distribution]] that has an arch (fetch/pins.py).
        arch: the distribution's name of the architecture: arm64, amd64 …

    Returns:
        The packages (.deb) in the cache by their pins' names, in the file's order.

    Raises:
        DroidbpfError: no place gives a package; names the places and the remedies.
    """
    known = pins.load(path).values()
    chosen = [pin for pin in known if any(place.arch == arch for place in pin.alternatives)]
    return download.obtain_all(chosen, settings)
