"""Where the example networks lie, and what they are called."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "networks"
"""Specs (`2-2-1.toml`) and hand-written passes for them (`2-2-1_backward.py`)."""
