"""Puts the plain Python packages beside SConstruct on the path of every script."""

import os
import runpy
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, ROOT)

# Everything that a build writes is below build/, compiled modules, too; without them every start
# would compile ours again, also where the environment says not to litter the sources.
runpy.run_path(f"{ROOT}/base/launch.py")["keep_compiled_modules"]()

from base import interrupts  # noqa: E402

interrupts.watch()
