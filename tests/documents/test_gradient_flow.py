"""Norms layer by layer, held against NumPy, and what is said of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from networks import example

from gradproof.derivations.deriving import derive
from gradproof.reports.content import Paragraph, Section, Table, plain
from gradproof.reports.pages.document import build
from gradproof.symbolic.specs.network import Network


def flow_of(network: Network) -> Section | None:
    derived = derive(network)
    made = build(network, derived.chain, derived.writer)
    return next((section for section in made.sections if section.name == "flow"), None)


def chain_of(slope: float, depth: int, activation: str = "identity", x: float = 1.0) -> Network:
    """One unit a layer, every weight `slope`."""
    values: dict[str, Any] = {"X": [x], "Y": [0.5]}
    for layer in range(1, depth + 1):
        values |= {f"W{layer}": [[slope]], f"b{layer}": [0]}
    return Network([1] * (depth + 1), batch=False, activation=activation, output="identity",
                   loss="half_squared_error", values=values)


def test_the_norms_are_those_of_the_arrays() -> None:
    network = example("2-2-1")
    table = next(block for block in (flow_of(network) or Section((), ())).blocks
                 if isinstance(block, Table))
    _, gradients = derive(network).compile()(**{
        name: np.array(value, dtype=float) for name, value in network.values.items()})
    for row in table.rows:
        layer = plain(row[0])
        assert float(plain(row[3])) == pytest.approx(
            float(np.linalg.norm(gradients[f"W{layer}"])), rel=1e-3)
    norms = [float(plain(row[1])) for row in table.rows]
    assert float(plain(table.rows[1][2])) == pytest.approx(norms[1] / norms[0], rel=1e-3)
    assert plain(table.rows[0][2]) == "–"


@pytest.mark.parametrize(("slope", "depth", "said"), [
    (0.1, 3, "it vanishes"), (0.1, 2, "it neither"), (10, 3, "it explodes"), (9, 3, "it neither"),
    (0.101, 3, "it neither"),
])
def test_what_is_said_of_a_chain_is_its_product(slope: float, depth: int, said: str) -> None:
    section = flow_of(chain_of(slope, depth))
    assert section is not None
    told = plain(section.blocks[-1].prose) if isinstance(section.blocks[-1], Paragraph) else ""
    assert said in told
    factor = re.search(r"multiplied by ([\d.]+)", told)
    assert factor is not None
    assert float(factor[1]) == pytest.approx(slope ** (depth - 1), rel=1e-3)


@pytest.mark.parametrize(("network", "said"), [
    (chain_of(1.0, 3, "relu", -1.0), "Nothing reaches layer 2 at these values"),
    (chain_of(0.5, 2, x=2.0), "The last layer's adjoint is 0 at these values"),
])
def test_where_nothing_is_sent_back(network: Network, said: str) -> None:
    section = flow_of(network)
    assert section is not None
    assert any(said in plain(block.prose) for block in section.blocks
               if isinstance(block, Paragraph))


def test_one_layer_has_no_flow() -> None:
    assert flow_of(chain_of(0.5, 1)) is None
