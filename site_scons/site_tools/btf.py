"""Tool: kernel types. Adds the builder VmlinuxHeader: arm64.btf.xz -> vmlinux.h."""

import lzma
import os
import shutil

from SCons.Builder import Builder

from base.errors import DroidbpfError
from site_tools.bpftool import run_bpftool


def generate(env):
    header = env.Step(
        "VMLINUX",
        "$BPFTOOL btf dump file ${TARGET}.btf format c > ${TARGET}.tmp",
        identity="BPFTOOL_ID",
        before=_decompress,
        after=_forget_btf,
    )
    env["BUILDERS"]["VmlinuxHeader"] = Builder(
        action=header, suffix=".h", src_suffix=".btf.xz", emitter=run_bpftool
    )


def _decompress(target, source, env):
    try:
        with lzma.open(str(source[0])) as packed, open(f"{target[0]}.btf", "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (lzma.LZMAError, EOFError) as error:
        hint = f"restore it: git checkout {source[0]}"
        raise DroidbpfError(f"{source[0]} is corrupt: {error}", hint) from None


def _forget_btf(target, source, env):
    """Remove the plain BTF: as a node, its 6 MB would be hashed at every start."""
    os.unlink(f"{target[0]}.btf")
