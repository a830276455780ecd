"""docs/papers.md: backward passes as derived, beside the forms in which they were published.

``python benchmarks/papers.py > docs/papers.md``; a test holds the page to what is derived, and the
published equations, written in NumPy here, to the derived gradients.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tables"))

from papers_compared import compared
from published import PUBLISHED, Published

import gradproof as gp

GATES = "zifo"
LSTM = """
y[-1] = y0
c[-1] = c0
az[t] = Wz @ x[t] + Rz @ y[t-1] + bz
z[t] = tanh(az[t])
ai[t] = Wi @ x[t] + Ri @ y[t-1] + pi*c[t-1] + bi
i[t] = sigmoid(ai[t])
af[t] = Wf @ x[t] + Rf @ y[t-1] + pf*c[t-1] + bf
f[t] = sigmoid(af[t])
c[t] = z[t]*i[t] + f[t]*c[t-1]
ao[t] = Wo @ x[t] + Ro @ y[t-1] + po*c[t] + bo
o[t] = sigmoid(ao[t])
y[t] = tanh(c[t])*o[t]
L = sum(D*y)
"""
"""The vanilla LSTM of Greff et al. 2017, eq. 1: forget gate (Gers et al. 2000), peepholes."""

LSTM_SHAPES = {
    "x": "T M", **{f"W{gate}": "N M" for gate in GATES}, **{f"R{gate}": "N N" for gate in GATES},
    **{f"b{gate}": "N" for gate in GATES}, "pi": "N", "pf": "N", "po": "N",
    "y0": "N", "c0": "N", "D": "T N",
}


LSTM_PUBLISHED = {
    "y": "δyₜ = Δₜ + Rzᵀ δzₜ₊₁ + Riᵀ δiₜ₊₁ + Rfᵀ δfₜ₊₁ + Roᵀ δoₜ₊₁",
    "ao": "δōₜ = δyₜ ⊙ h(cₜ) ⊙ σ′(ōₜ)",
    "c": "δcₜ = δyₜ ⊙ oₜ ⊙ h′(cₜ) + po ⊙ δōₜ + pi ⊙ δīₜ₊₁ + pf ⊙ δf̄ₜ₊₁ + δcₜ₊₁ ⊙ fₜ₊₁",
    "af": "δf̄ₜ = δcₜ ⊙ cₜ₋₁ ⊙ σ′(f̄ₜ)",
    "ai": "δīₜ = δcₜ ⊙ zₜ ⊙ σ′(īₜ)",
    "az": "δz̄ₜ = δcₜ ⊙ iₜ ⊙ g′(z̄ₜ)",
    "x": "δxₜ = Wzᵀ δz̄ₜ + Wiᵀ δīₜ + Wfᵀ δf̄ₜ + Woᵀ δōₜ",
    "Wz": "δW⋆ = Σ_t ⟨δ⋆ₜ, xₜ⟩",
    "Rz": "δR⋆ = Σ_t ⟨δ⋆ₜ₊₁, yₜ⟩",
    "bz": "δb⋆ = Σ_t δ⋆ₜ",
    "pi": "δpi = Σ_t cₜ ⊙ δīₜ₊₁",
    "pf": "δpf = Σ_t cₜ ⊙ δf̄ₜ₊₁",
    "po": "δpo = Σ_t cₜ ⊙ δōₜ",
}
"""Greff et al. 2017, section II.B; ⋆ is any of z̄, ī, f̄, ō, ⟨a, b⟩ the outer product."""


def lstm_backward(v: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The published equations, line by line, in NumPy (with the given state before t = 0)."""
    steps, units = v["D"].shape
    y, c = np.zeros((steps + 1, units)), np.zeros((steps + 1, units))
    y[-1], c[-1] = v["y0"], v["c0"]
    a = {gate: np.zeros((steps, units)) for gate in GATES}

    def sigma(u: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(1 / (1 + np.exp(-u)))

    for s in range(steps):
        for gate in GATES:
            a[gate][s] = v[f"W{gate}"] @ v["x"][s] + v[f"R{gate}"] @ y[s - 1] + v[f"b{gate}"]
        a["i"][s] += v["pi"] * c[s - 1]
        a["f"][s] += v["pf"] * c[s - 1]
        c[s] = np.tanh(a["z"][s]) * sigma(a["i"][s]) + c[s - 1] * sigma(a["f"][s])
        a["o"][s] += v["po"] * c[s]
        y[s] = np.tanh(c[s]) * sigma(a["o"][s])
    slope = {gate: sigma(a[gate]) * (1 - sigma(a[gate])) for gate in "ifo"}
    slope["z"] = 1 - np.tanh(a["z"]) ** 2
    d = {gate: np.zeros((steps + 1, units)) for gate in (*GATES, "y", "c")}
    for s in reversed(range(steps)):
        d["y"][s] = v["D"][s] + sum(v[f"R{gate}"].T @ d[gate][s + 1] for gate in GATES)
        d["o"][s] = d["y"][s] * np.tanh(c[s]) * slope["o"][s]
        d["c"][s] = (d["y"][s] * sigma(a["o"][s]) * (1 - np.tanh(c[s]) ** 2) + v["po"] * d["o"][s]
                     + v["pi"] * d["i"][s + 1] + v["pf"] * d["f"][s + 1])
        if s + 1 < steps:
            d["c"][s] += d["c"][s + 1] * sigma(a["f"][s + 1])
        d["f"][s] = d["c"][s] * c[s - 1] * slope["f"][s]
        d["i"][s] = d["c"][s] * np.tanh(a["z"][s]) * slope["i"][s]
        d["z"][s] = d["c"][s] * sigma(a["i"][s]) * slope["z"][s]
    before = {"y": np.vstack([v["y0"], y[:-2]]), "c": np.vstack([v["c0"], c[:-2]])}
    found = {"x": sum(d[gate][:-1] @ v[f"W{gate}"] for gate in GATES)}
    for gate in GATES:
        found[f"W{gate}"] = d[gate][:-1].T @ v["x"]
        found[f"R{gate}"] = d[gate][:-1].T @ before["y"]
        found[f"b{gate}"] = d[gate][:-1].sum(axis=0)
    for gate in "if":
        found[f"p{gate}"] = (before["c"] * d[gate][:-1]).sum(axis=0)
    found["po"] = (c[:-1] * d["o"][:-1]).sum(axis=0)
    return {name: np.asarray(value) for name, value in found.items()}


HEADS = """
Q = einsum("td,hdk->htk", X, WQ)
K = einsum("sd,hdk->hsk", Y, WK)
V = einsum("sd,hdv->hsv", Y, WV)
S = einsum("htk,hsk->hts", Q, K)/sqrt(k)
P = softmax(S)
H = einsum("hts,hsv->htv", P, V)
O = einsum("htv,hvd->td", H, WO)
L = sum(D*O)
"""
SHAPES = {"X": "t d", "Y": "s d", "WQ": "h d k", "WK": "h d k", "WV": "h d v", "WO": "h v d",
          "D": "t d"}
HEADS_PUBLISHED = {
    "O": "MultiHead = Concat(head₁, …, headₕ) Wᴼ",
    "H": "headₕ = softmax(Qₕ Kₕᵀ/√dₖ) Vₕ",
    "V_": "dV = Pᵀ dO",
    "P_": "dP = dO Vᵀ",
    "S_": "dS = P ∘ (dP - rowsum(P ∘ dP))",
    "Q_": "dQ = dS K/√dₖ",
    "K_": "dK = dSᵀ Q/√dₖ",
}
"""Forward: Vaswani et al. 2017, section 3.2; backward: Dao et al. 2022, appendix B.2."""


def heads_backward(v: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The published equations, head by head, in NumPy."""
    found = {name: np.zeros_like(v[name]) for name in SHAPES if name != "D"}
    for h, (WQ, WK, WV, WO) in enumerate(zip(v["WQ"], v["WK"], v["WV"], v["WO"], strict=True)):
        Q, K, V, root = v["X"] @ WQ, v["Y"] @ WK, v["Y"] @ WV, np.sqrt(WQ.shape[1])
        E = np.exp(Q @ K.T / root)
        P = E / E.sum(axis=1, keepdims=True)
        dO = v["D"] @ WO.T
        dV, dP = P.T @ dO, dO @ V.T
        dS = P * (dP - (P * dP).sum(axis=1, keepdims=True))
        dQ, dK = dS @ K / root, dS.T @ Q / root
        found["WO"][h] = (P @ V).T @ v["D"]
        found["WQ"][h], found["WK"][h] = v["X"].T @ dQ, v["Y"].T @ dK
        found["WV"][h] = v["Y"].T @ dV
        found["X"] += dQ @ WQ.T
        found["Y"] += dK @ WK.T + dV @ WV.T
    return found


# --- the page -----------------------------------------------------------------------------------


def _table(rows: list[tuple[str, str]]) -> str:
    lines = ["| published | derived |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{one}` | `{other}` |" for one, other in rows)])


def _gradients() -> tuple[str, int]:
    """The tables of single gradients by field, and how many of these are alike."""
    parts, alike = [], 0
    for field, cases in groupby(PUBLISHED, key=lambda case: case.field):
        lines = [f"### {field}", "", "| gradient of | published | derived | |",
                 "| --- | --- | --- | --- |"]
        for case in cases:
            row, same = _row(case)
            lines.append(row)
            alike += same
        parts.append("\n".join(lines))
    return "\n\n".join(parts), alike


def _row(case: Published) -> tuple[str, bool]:
    found = compared(case)
    told = "alike" if found.alike else f"equal: {case.differs}"
    cells = [f"**{case.title}** ({case.source}) " + _lines(case.text.split("\n")),
             _lines(case.lines), _lines(found.derived),
             told if found.verdict == "proved" else found.verdict]
    return f"| {' | '.join(cells)} |", found.alike


def _lines(texts: Any) -> str:
    return "<br>".join(f"`{text}`".replace("|", r"\|") for text in texts)  # of a table


def document() -> str:
    """The page as Markdown."""
    cell = gp.derive(gp.equations(LSTM, **LSTM_SHAPES))
    heads = gp.derive(gp.equations(HEADS, **SHAPES))
    backward = {f.name: str(f) for f in cell.all() if f.step.role != "forward"}
    forward = [str(cell.forward[name]) for name in (
        "az", "z", "ai", "i", "af", "f", "c", "ao", "o", "y")]
    rest = [backward[name] for name in ("Wi", "Ri", "bi", "y0", "c0")]
    adjoints = {f.name: str(f) for f in heads.all() if f.step.role != "forward"}
    rows = [(text, adjoints[name[:-1]] if name.endswith("_") else str(heads.forward[name]))
            for name, text in HEADS_PUBLISHED.items()]
    tables, alike = _gradients()
    return PAGE.format(
        gradients=tables, alike=alike, count=len(PUBLISHED),
        text=LSTM.strip(),
        forward="\n".join(forward),
        lstm=_table([(text, backward[name]) for name, text in LSTM_PUBLISHED.items()]),
        rest="\n".join(rest),
        heads_forward="\n".join(str(heads.forward[name]) for name in "QKVSPHO"),
        heads=_table(rows),
        heads_rest="\n".join(adjoints[name] for name in ("H", "X", "Y", "WQ", "WK", "WV", "WO")),
    )


PAGE = """\
# Beside the papers

What gradproof derives from forward equations alone, beside the form in which it was published. This
page is written by `benchmarks/papers.py` and held fresh by a test.

## Gradients of one loss each

{count} gradients and Hessians from papers and textbooks, each with its source. The published
formula is in our own hand: in the dialect in which formulas are printed here (an array with one
axis is a column, ⊙ and ⊘ are entry by entry, 1 is a column of ones), under the names of its
source. Both sides are read by the parser of printed formulas. What the published side says is
then made into equations and **proved equal** to the derivation, for all values and sizes: every
row is. And the two are compared as they are written: **{alike} of {count} are alike term for
term**, up to names. The rule, which is a program ([`likeness.py`](../tests/tables/likeness.py)):
what one side names and the other does not is put in; numbers and other scalars are multiplied
out, and transpositions carried to the arrays; then both have the same terms, with the same number
in front and the same factors, those of a matrix product in their order. No bracket around
matrices is multiplied out, no fraction cancelled, no function rewritten.

{gradients}

The two sections below have whole backward passes; a test also runs their published equations,
line by line in NumPy, against the derived gradients.

## LSTM

Hochreiter & Schmidhuber 1997 (Neural Computation 9), with the forget gate of Gers, Schmidhuber &
Cummins 2000, in the form of Greff et al. 2017 (IEEE TNNLS 28), section II. An `a` is what the paper
writes with a bar, the net input of a gate. As [text of equations](equations.md):

```text
{text}
```

The forward pass, over a symbolic number of steps T, as it is printed:

```text
{forward}
```

A loss hands Δ = D to the outputs. Backpropagation
through time is what the chain rule makes of this recurrence; terms at t + 1 vanish at t = T - 1:

{lstm}

The paper writes σ′ and h′; the derivation has them in values already there, σ′(a) = f ⊙ (1 - f).
The paper's δ of a bar is ∂L/∂a here. Its sums for R and p pair a step with the adjoint of the next,
ours a step with the state before it, which is the same sum and takes the given state in. The
other gates:

```text
{rest}
```

## Attention with several heads

Vaswani et al. 2017 (NeurIPS 30), section 3.2, with the rows of Wᴼ apart for each head, so that
Concat(head₁, …, headₕ) Wᴼ is Σ_h Hₕ WOₕ. The queries are of X, keys and values of Y. A stack of
matrices, one a head, is written as a matrix: products are over the last two axes.

```text
{heads_forward}
```

The backward pass of softmax(Q Kᵀ/√dₖ) V as published with FlashAttention (Dao et al. 2022, NeurIPS
35, appendix B.2); dO there is ∂L/∂H of a head here:

{heads}

and from there to the parameters and the inputs:

```text
{heads_rest}
```
"""

if __name__ == "__main__":
    print(document(), end="")
