"""Puts the plain Python packages beside SConstruct on the path of every script."""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))
