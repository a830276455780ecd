"""Recurrent layers over a symbolic number of steps: simple (Elman), LSTM, GRU.

The first axis of x is time: x (T, ..., n).  Weights come gate by gate, as papers write them, so
each has its own gradient.  Backpropagation through time is not stated here; it follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..equation import Size, Term, slot
from ..functions import SIGMOID, TANH, Opaque
from .builder import Builder, Operand, ShapeError
from .feedforward import activation as applied
from .loops import Loop

Gates = Sequence[Operand]


def rnn(
    b: Builder,
    x: Operand,
    wx: Operand,
    wh: Operand,
    bias: Operand | None = None,
    h0: Operand | None = None,
    *,
    activation: type[Opaque] | None = TANH,
) -> Operand:
    """h[t] = f(x[t] W + h[t-1] U + b) (Elman 1990): all states (T, ..., h).

    >>> print(gp.equations("h = rnn(x, W, U)", x="T n", W="n k", U="k k"))
    for t upwards:
      t1[t<T, j<k] = Σ_j1<n x[t, j1]*W[j1, j] + Σ_i<k [1 <= t < T]h[t - 1, i]*U[i, j]
      h[t<T, j<k] = tanh(t1[t, j])

    f is `activation` (None: the identity); wx (n, h), wh (h, h), bias (h,), h0 (..., h) or zero.
    """
    loop, state = _opened(b, x, wx)
    name = _state(b, "h")
    before = loop.before(name, h0, state)
    z = _gate(b, "", loop.at(x), wx, before, wh, bias)
    applied(b, z, activation, name)
    loop.close()
    return loop.made(name)


def lstm(
    b: Builder,
    x: Operand,
    wx: Gates,
    wh: Gates,
    bias: Gates | None = None,
    h0: Operand | None = None,
    c0: Operand | None = None,
) -> Operand:
    """The states h (T, ..., h) of an LSTM with a forget gate (Gers, Schmidhuber & Cummins 2000).

        i, f, o = σ(x[t] W + h[t-1] U + b), g = tanh(x[t] W_g + h[t-1] U_g + b_g)
        c[t] = f ⊙ c[t-1] + i ⊙ g,  h[t] = o ⊙ tanh(c[t])

    Gates in the order i, f, g, o (PyTorch's): wx four of (n, h), wh four of (h, h), bias four of
    (h,); h0 and c0 (..., h) or zero.
    """
    _count("an LSTM", 4, "i, f, g, o", wx, wh, bias)
    loop, state = _opened(b, x, wx[0])
    h, c = _state(b, "h"), _state(b, "c")
    now, before, kept = loop.at(x), loop.before(h, h0, state), loop.before(c, c0, state)
    i, f, g, o = (
        b.pointwise(TANH if letter == "g" else SIGMOID,
                    _gate(b, letter, now, wx[place], before, wh[place],
                          bias[place] if bias else None),
                    name=_state(b, letter))
        for place, letter in enumerate("ifgo")
    )
    cell = b.pointwise(slot(0) * slot(1) + slot(2) * slot(3), f, kept, i, g, name=c)
    b.pointwise(slot(0) * TANH(slot(1)), o, cell, name=h)
    loop.close()
    return loop.made(h)


def gru(
    b: Builder,
    x: Operand,
    wx: Gates,
    wh: Gates,
    bias: Gates | None = None,
    hidden_bias: Operand | None = None,
    h0: Operand | None = None,
    *,
    reset_after: bool = True,
) -> Operand:
    """The states h (T, ..., h) of a GRU (Cho et al. 2014).

        r, z = σ(x[t] W + h[t-1] U + b),  h[t] = (1 - z) ⊙ n + z ⊙ h[t-1]
        n = tanh(x[t] W_n + b_n + r ⊙ (h[t-1] U_n + b_hn))     with `reset_after` (as PyTorch)
        n = tanh(x[t] W_n + b_n + (r ⊙ h[t-1]) U_n)            without (as published)

    Gates in the order r, z, n: wx three of (n, h), wh three of (h, h), bias three of (h,);
    hidden_bias b_hn (h,), h0 (..., h) or zero.
    """
    _count("a GRU", 3, "r, z, n", wx, wh, bias)
    if hidden_bias is not None and not reset_after:
        raise ShapeError("a GRU has a bias within the reset only with reset_after")
    loop, state = _opened(b, x, wx[0])
    h = _state(b, "h")
    now, before = loop.at(x), loop.before(h, h0, state)
    r, z = (
        b.pointwise(SIGMOID, _gate(b, letter, now, wx[place], before, wh[place],
                                   bias[place] if bias else None), name=_state(b, letter))
        for place, letter in enumerate("rz")
    )
    last = bias[2] if bias else None
    if reset_after:
        drive = _gate(b, "", now, wx[2], None, None, last)
        recurrent = _gate(b, "", before, wh[2], None, None, hidden_bias)
        drive = b.pointwise(slot(0) + slot(1) * slot(2), drive, r, recurrent,
                            name=_state(b, "a_n"))
    else:
        reset = b.pointwise(slot(0) * slot(1), r, before)
        drive = _gate(b, "n", now, wx[2], reset, wh[2], last)
    candidate = b.pointwise(TANH, drive, name=_state(b, "n"))
    b.pointwise((1 - slot(0)) * slot(1) + slot(0) * slot(2), z, candidate, before, name=h)
    loop.close()
    return loop.made(h)


def _opened(b: Builder, x: Operand, w: Operand) -> tuple[Loop, tuple[Size, ...]]:
    """A loop over the first axis of x, and the shape of a state."""
    if x.ndim < 2 or w.ndim != 2 or x.shape[-1] != w.shape[0]:
        raise ShapeError(f"expected x of shape (T, ..., n) and weights (n, h), got {x} and {w}")
    return Loop(b, "t", x.shape[0]), (*x.shape[1:-1], w.shape[1])


def _state(b: Builder, name: str) -> str:
    """A name for a value of each step."""
    name = b.fresh(name)
    b.reserve(name)
    return name


def _gate(
    b: Builder,
    letter: str,
    x: Operand,
    w: Operand,
    h: Operand | None,
    u: Operand | None,
    bias: Operand | None,
) -> Operand:
    """x W + h U + b."""
    out, first = b.product_term(x, w)
    terms = [first]
    if h is not None and u is not None:
        if u.shape != (w.shape[1], w.shape[1]):
            raise ShapeError(f"the recurrent weights {u} need the shape "
                             f"({w.shape[1]}, {w.shape[1]})")
        terms.append(b.product_term(h, u, [index.name for index in out])[1])
    if bias is not None:
        if bias.shape != (w.shape[1],):
            raise ShapeError(f"the bias {bias} needs the shape ({w.shape[1]},)")
        terms.append(Term(slot(0), (b.read(bias, out),)))
    return b.emit(_state(b, f"a_{letter}") if letter else None, out, terms)


def _count(what: str, gates: int, names: str, *given: Gates | None) -> None:
    for group in given:
        if group is not None and len(group) != gates:
            raise ShapeError(f"{what} takes {gates} arrays for its gates {names}, got "
                             f"{len(group)}")
