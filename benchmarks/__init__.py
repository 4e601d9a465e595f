"""What the documentation says about speed, as commands: `./dev benchmarks build` …"""

import sys
from pathlib import Path

# The generators of test data are of the tests.
sys.path.append(str(Path(__file__).resolve().parent.parent / "tests/helpers"))
