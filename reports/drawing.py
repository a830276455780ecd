"""What is drawn, as plain data: lines, circles, curves and labels in a frame of 640 by so much.

The same drawing is written as SVG and as TikZ (:mod:`gradproof.reports.pages.drawn`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

WIDTH = 640
Ink = Literal["", "forward", "backward", "third", "faint"]
"""What something is drawn in: "" as the rest, else as what a pass computes, a third, or a frame."""


@dataclass(frozen=True)
class Stroke:
    x1: float
    y1: float
    x2: float
    y2: float
    ink: Ink = ""


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    radius: float
    layer: str


@dataclass(frozen=True)
class Curve:
    """Points joined by straight lines; a dot at each where they are few."""

    points: tuple[tuple[float, float], ...]
    ink: Ink = "forward"
    dots: bool = False


@dataclass(frozen=True)
class Label:
    """Text whose middle is at a place; `is_math` when it is LaTeX of the form letter^{..} _{..}.

    side: which way it goes from its place: around it, or "left" or "right" of it.
    """

    x: float
    y: float
    text: str
    size: int = 14
    is_math: bool = False
    ink: Ink = ""
    side: Literal["", "left", "right"] = ""


@dataclass(frozen=True)
class Drawing:
    """In units of a pixel, y downwards; `title` says what is drawn, `name` is that of its file."""

    name: str
    height: float
    title: str
    lines: tuple[Stroke, ...] = ()
    circles: tuple[Circle, ...] = ()
    labels: tuple[Label, ...] = ()
    curves: tuple[Curve, ...] = ()

    def translated(self, text: Callable[[str], str]) -> Drawing:
        """The same with its words put into another language."""
        return replace(self, title=text(self.title), labels=tuple(
            label if label.is_math else replace(label, text=text(label.text))
            for label in self.labels))
