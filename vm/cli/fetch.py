"""`./dev vm fetch`: download the newest kernels into the cache."""

import argparse

from base.errors import printable
from base.progress import show_progress
from base.settings import Settings
from vm import kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    known = ", ".join(kernels.SUITES)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"{known} (default: all)")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Download the kernels and busybox, unless offline; print the releases; return 0."""
    renew = not settings.offline
    with show_progress(settings) as shown:
        for name in options.kernels or kernels.SUITES:
            kernel = kernels.kernel(name, shown, renew=renew)
            print(f"{printable(name):6}{kernel.release}")
        kernels.busybox(shown, renew=renew)
    return 0
