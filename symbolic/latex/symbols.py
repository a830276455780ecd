r"""A text's own symbols for arrays, with their scripts: h_{t-1}, \hat w, σ_B^2, δ_o for ∂L/∂z.

    with_symbols(context, {r"h_{t-1}": "hp", r"\delta_o": "dZo"}, samples={"X": 0, "y": 0})

A symbol is found where its name stands with these scripts first; what else is raised or lowered
there (an index, a transpose) is read as at any name.  `samples` are arrays one of whose axes counts
samples: x_i and x^{(i)} are the i-th one as a column, x_j^{(i)} its entry j.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scripts import Scripts
from .trees import Node


@dataclass(frozen=True)
class Symbol:
    """A name with scripts that stand for an array (or ∂ and one); scripts as :func:`spelled`."""

    stem: str
    downs: tuple[str, ...]
    ups: tuple[str, ...]
    array: str

    def taken_off(self, stem: str, found: Scripts) -> bool:
        """Whether it stands there; its scripts are then taken off."""
        downs = tuple(map(spelled, found.downs[:len(self.downs)]))
        ups = tuple(map(spelled, found.ups[:len(self.ups)]))
        if stem != self.stem or downs != self.downs or ups != self.ups:
            return False
        del found.downs[:len(self.downs)], found.ups[:len(self.ups)]
        return True


def spelled(node: Node) -> str:
    """A script as one text, whatever spaces, braces and fonts it is written with."""
    inner = " ".join(map(spelled, node.parts))
    return f"{node.text}({inner})" if inner else node.text


def stem_of(base: Node) -> str:
    """A name as tables have it."""
    return "𝓛" if base.font == "cal" and base.text == "L" else base.text
