"""Makes the shared tables importable from every test file, and every run the same run."""

import sys
from pathlib import Path

from hypothesis import settings

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "tables"), str(HERE / "fuzz")]
settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")
