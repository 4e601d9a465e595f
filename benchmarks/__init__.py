"""What the documentation says about speed, as commands: `./dev benchmarks build` …"""

import sys
from pathlib import Path

# btf_gate uses a generator of test data.
sys.path.append(str(Path(__file__).resolve().parent.parent / "tests/helpers"))
