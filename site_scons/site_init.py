"""Puts the plain Python packages beside SConstruct on the path of every script."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(1, str(ROOT))

# Compiled modules belong into build/ as everything that a build writes; without them every start
# would compile ours anew, also where the environment says not to litter the sources.
sys.pycache_prefix = str(ROOT / "build" / "pycache")
sys.dont_write_bytecode = False

from base import interrupts  # noqa: E402

interrupts.watch()
