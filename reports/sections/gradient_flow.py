"""How much of the gradient each layer is sent: norms, and where it vanishes or explodes."""

from __future__ import annotations

from fractions import Fraction

from ...symbolic.derive.steps import Chain
from ...symbolic.exact.numbers import Value
from ...symbolic.specs.network import Network
from ..content import Block, Math, Paragraph, Prose, Section, Table
from ..worked.digits import fraction, rounded, show
from ..worked.figures import DIGITS, Figures

MUCH = 100
"""What a norm grows by, from the last layer to the first, to be called exploding; what it falls by
to be called vanishing."""


def flow_section(network: Network, chain: Chain, figures: Figures) -> Section | None:
    """Norms (roots of sums of squares) of each layer's adjoint and of its weights' gradient, from
    the last layer to the first; None for a network of one layer."""
    layers = range(network.depth, 0, -1)
    adjoints = [chain.of.get(f"Z{layer}", "") for layer in layers]
    if network.depth < 2 or any(name not in figures.entries for name in adjoints):
        return None
    norms = [_norm(name, figures) for name in adjoints]
    rows: list[tuple[Prose, ...]] = []
    for place, (layer, norm) in enumerate(zip(layers, norms, strict=True)):
        weights = _norm(chain.of[f"W{layer}"], figures) if f"W{layer}" in chain.of else None
        before = norms[place - 1] if place else None
        rows.append(((str(layer),), _shown(norm), _shown(norm / before if before else None),
                     _shown(weights)))
    header: tuple[Prose, ...] = (
        ("layer",), ("norm of its net input's adjoint",), ("times that of the layer after it",),
        ("norm of its weights' gradient",))
    blocks: list[Block] = [
        Paragraph(("Norms are roots of sums of squares, at the values of the worked numbers, from "
                   "the last layer to the first.",)),
        Table(header, tuple(rows), "lrrr"),
        Paragraph(_told(norms)),
    ]
    return Section(("Gradient flow through the layers",), tuple(blocks), name="flow")


def _norm(name: str, figures: Figures) -> Fraction:
    """To some sixty digits."""
    arithmetic = figures.arithmetic
    reals = [arithmetic.real(value) for value in figures[name].values()]
    root: Value = arithmetic.context.sqrt(sum(real * real for real in reals))
    return fraction(root)


def _shown(value: Fraction | None) -> Prose:
    return ("–",) if value is None else (Math(show(value, 4).latex),)


def _told(norms: list[Fraction]) -> Prose:
    """What becomes of the gradient between the last layer and the first."""
    if not norms[0]:
        return ("The last layer's adjoint is 0 at these values, so that nothing is sent back.",)
    for place, norm in enumerate(norms):
        if not norm:
            return (f"Nothing reaches layer {len(norms) - place} at these values: the adjoint is 0 "
                    "from there to the first layer.",)
    factor = Fraction(rounded(norms[-1] / norms[0], DIGITS))  # roots have a few digits more
    what = ("it vanishes" if factor * MUCH <= 1 else
            "it explodes" if factor >= MUCH else "it neither vanishes nor explodes")
    return ("From the last layer to the first the norm is multiplied by ",
            Math(show(factor, 4).latex), f": {what} (a factor of 1/{MUCH} or less is called "
            f"vanishing here, one of {MUCH} or more exploding).")
