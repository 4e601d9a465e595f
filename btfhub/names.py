"""The names of kernels and of a hub's files: parsing `uname -r` and BTF file names."""

import re
from typing import NamedTuple

from base.errors import DroidbpfError

LONGEST = 64  # bytes of a release: __NEW_UTS_LEN in include/uapi/linux/utsname.h

# w.x.y-androidR-K, the rest being build detail, see
# https://source.android.com/docs/core/architecture/kernel/gki-versioning
_NUMBER = "([0-9]{1,9})"
_KERNEL = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?![0-9])(?:-android{_NUMBER}-{_NUMBER}(?![0-9A-Za-z]))?"
)
_COMMITS = re.compile(r"-([0-9]{5})(?![0-9A-Za-z])")
_COMMIT = re.compile(r"-g([0-9a-f]{7,40})(?![0-9A-Za-z])")
_BUILD = re.compile(r"-ab(P?[0-9]{1,19})(?![0-9A-Za-z])")

_GKI = re.compile(r"a([1-9][0-9]?)-([0-9]{1,3}\.[0-9]{1,3})(?:-(lts|[0-9]{4}-(?:0[1-9]|1[0-2])))?")
_VENDOR = re.compile(r"([a-z][a-z0-9_]*)-[0-9]{1,3}\.[0-9]{1,3}-[0-9a-f]{7,40}")
_ARCH = "-arm64"


class Release(NamedTuple):
    """A kernel release, as `uname -r` prints it.

    Attributes:
        version: "5.10".
        sublevel: 101 of 5.10.101.
        android: 12 of android12; 0 where there is no android part.
        kmi: the generation of the kernel module interface; -1 where there is no android part.
        commits: since the tag; -1 where unknown.
        commit: 7 to 40 hex digits, without the g before them; "" where unknown.
        build: the id of Google's build, without the ab before it; P… is a build before submission.
        rest: what is left, such as a vendor's own suffix.
    """

    text: str
    version: str
    sublevel: int
    android: int = 0
    kmi: int = -1
    commits: int = -1
    commit: str = ""
    build: str = ""
    rest: str = ""

    @property
    def branch(self) -> str:
        """The branch of Android's common kernel, "android12-5.10", or ""."""
        return f"android{self.android}-{self.version}" if self.android else ""


class HubName(NamedTuple):
    """The name of a hub's file.

    Attributes:
        name: without folder, architecture and endings.
        branch: "android12-5.10"; of a vendor's kernel the vendor; "" where the name is a release.
        kind: month, lts, tip, vendor or release.
        month: "2022-05" where the kind is month.
    """

    name: str
    branch: str
    kind: str
    month: str = ""


def parse_release(text: str) -> Release:
    """Parse a kernel release (`uname -r`).

    Raises:
        DroidbpfError: it is not a kernel release.
    """
    found = _KERNEL.match(text)
    size = len(text.encode(errors="replace"))
    if not found or size > LONGEST or not text.isprintable():
        shown = ascii(text if size <= LONGEST else text[:LONGEST] + "...")
        raise DroidbpfError(
            f"{shown} is not a kernel release",
            "give what `adb shell uname -r` prints, such as 5.10.101-android12-9-00004-g…-ab…",
        )
    major, minor, sublevel, android, kmi = found.groups()
    rest = text[found.end() :]
    values = []
    for pattern in (_COMMITS, _COMMIT, _BUILD):
        # The number of commits stands in front; vendors put words before the other two.
        part = pattern.match(rest) if pattern is _COMMITS else pattern.search(rest)
        values.append(part[1] if part else "")
        if part:
            rest = rest[: part.start()] + rest[part.end() :]
    return Release(
        text=text,
        version=f"{int(major)}.{int(minor)}",
        sublevel=int(sublevel),
        android=int(android or 0),
        kmi=int(kmi) if int(android or 0) else -1,
        commits=int(values[0] or -1),
        commit=values[1],
        build=values[2],
        rest=rest,
    )


def parse_name(file_name: str) -> HubName:
    """Parse the name of a hub's file.

    Args:
        file_name: a name, or a path, in the layout of BTFHubForAndroid (`<name>-arm64.btf.tar.xz`)
            or of btfhub-archive (`<distro>/<version>/<arch>/<release>.btf.tar.xz`).

    Raises:
        DroidbpfError: it is not the name of a kernel.
    """
    name = file_name.rpartition("/")[2].removesuffix(".btf.tar.xz").removesuffix(".btf")
    short = name.removesuffix(_ARCH)
    if gki := _GKI.fullmatch(short):
        android, version, which = gki.groups()
        month = "" if which in (None, "lts") else which
        kind = "month" if month else which or "tip"
        return HubName(short, f"android{android}-{version}", kind, month)
    if vendor := _VENDOR.fullmatch(short):
        return HubName(short, vendor[1], "vendor")
    try:
        android_part = parse_release(name).android
    except DroidbpfError as error:
        raise DroidbpfError(
            f"{ascii(file_name[:200])[1:-1]} is not named after a kernel",
            "name a BTF by its kernel's release (`uname -r`) or as a hub does: a12-5.10-2022-05",
        ) from error
    # Debian's releases end in -arm64 themselves, Android's do not.
    return HubName(short if android_part else name, "", "release")
