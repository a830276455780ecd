"""Makes the shared tables importable from every test file, and every run the same run."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")
