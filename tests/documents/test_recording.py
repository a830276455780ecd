"""The recording in the README is what the program prints."""

from __future__ import annotations

import re
import runpy
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[2]


def said(svg: str) -> list[str]:
    """Its lines, without the bound of an agreement, which depends on the machine's sums."""
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [re.sub(r"within \S+", "within", "".join(text.itertext())) for text in texts]


def test_the_recording_is_what_the_program_prints():
    record = runpy.run_path(str(ROOT / "examples" / "recording" / "record.py"))
    kept = (ROOT / "docs" / "recording.svg").read_text(encoding="utf-8")
    assert said(record["drawn"](list(record["scenes"]()))) == said(kept)
    assert "  first wrong: dW2, backward.py:8: dW2 = A1.T @ dZ2" in said(kept)
