"""`./dev vm fetch`: fetch the newest kernels into the cache."""

import argparse

from base.progress import show_progress
from base.settings import Settings
from vm import kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("kernels", nargs="*", metavar="KERNEL")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Fetch the kernels and busybox, and print the releases; return 0."""
    with show_progress(settings) as shown:
        for name in options.kernels or kernels.names():
            kernel = kernels.kernel(name, shown, renew=True)
            print(f"{name:6}{kernel.release}")
        kernels.busybox(shown, renew=True)
    return 0
