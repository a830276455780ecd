"""Drawings that embedding wrote: they carry a checksum, so that replacing them loses nothing."""

from __future__ import annotations

import re

from .marker import digest

_SIGNED = re.compile(r"<!-- gradproof ([0-9a-f]{8}) -->\n?\Z")


def signed(svg: str) -> str:
    """A drawing with the checksum that says it was generated."""
    return f"{svg.rstrip()}\n<!-- gradproof {digest(svg.rstrip())} -->\n"


def is_generated(svg: str) -> bool:
    """Whether a drawing carries its own checksum, so that replacing it loses nobody's work."""
    found = _SIGNED.search(svg)
    return found is not None and digest(svg[: found.start()].rstrip()) == found[1]
