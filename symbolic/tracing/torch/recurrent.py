"""PyTorch's recurrent cells and their sequences, in NumPy's words.

A row takes NumPy first and then the parameters of PyTorch's function in torch._VF, by place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..sizes import Number
from ..source import fail
from .sums import linear
from .tensor import Row, run


def _gates(
    xp: Any, input: Any, weight: Any, bias: Any, names: str, of: str
) -> list[Any]:
    """The affine maps of a cell, one a gate, whose weights lie behind one another; each part is
    called as PyTorch's documentation has it, W_if for the forget gate."""
    size = weight.shape[0] // len(names)
    made = []
    for place, gate in enumerate(names):
        part = slice(place * size, (place + 1) * size)
        own = weight[part]
        xp.spoken(f"W_{of}{gate}", own)
        if bias is not None:
            bias_of = bias[part]
            xp.spoken(f"b_{of}{gate}", bias_of)
        made.append(linear(xp, input, own, None if bias is None else bias_of))
    return made


def lstm_cell(xp: Any, input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None,
              b_hh: Any = None) -> Any:
    """Hochreiter, Schmidhuber, Long Short-Term Memory (1997), with a forget gate."""
    h, c = hx
    gates = [one + other for one, other in zip(
        _gates(xp, input, w_ih, b_ih, "ifgo", "i"),
        _gates(xp, h, w_hh, b_hh, "ifgo", "h"), strict=True)]
    for gate, value in zip("ifgo", gates, strict=True):
        xp.spoken(f"a_{gate}", value)
    i, f, o = (xp.special("expit", gates[k]) for k in (0, 1, 3))
    g = xp.tanh(gates[2])
    new = f * c + i * g
    for name, value in zip(("i", "f", "g", "o", "c_new"), (i, f, g, o, new), strict=True):
        xp.spoken(name, value)
    return o * xp.tanh(new), new


def gru_cell(xp: Any, input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None,
             b_hh: Any = None) -> Any:
    """Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014)."""
    of_x = _gates(xp, input, w_ih, b_ih, "rzn", "i")
    of_h = _gates(xp, hx, w_hh, b_hh, "rzn", "h")
    a_r, a_z = of_x[0] + of_h[0], of_x[1] + of_h[1]
    r, z = xp.special("expit", a_r), xp.special("expit", a_z)
    a_n = of_x[2] + r * of_h[2]
    n = xp.tanh(a_n)
    for name, value in zip(("a_r", "a_z", "a_n", "r", "z", "n"), (a_r, a_z, a_n, r, z, n),
                           strict=True):
        xp.spoken(name, value)
    return (1 - z) * n + z * hx


def _simple(activation: Callable[[Any, Any], Any]) -> Row:
    """Elman, Finding Structure in Time (1990)."""
    def cell(xp: Any, input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None,
             b_hh: Any = None) -> Any:
        return activation(xp, linear(xp, input, w_ih, b_ih) + linear(xp, hx, w_hh, b_hh))

    return cell


CELLS: dict[str, Row] = {
    "lstm_cell": lstm_cell, "gru_cell": gru_cell,
    "rnn_tanh_cell": _simple(lambda xp, z: xp.tanh(z)),
    "rnn_relu_cell": _simple(lambda xp, z: xp.maximum(z, 0)),
}
"""torch._VF"""


def sequence(network: Any, input: Any, hx: Any = None) -> Any:
    """The forward pass of nn.LSTM, nn.GRU and nn.RNN, step by step.

    input: (steps, batch, features), or (batch, steps, features) with batch_first, or without batch.
    """
    if network.proj_size:
        fail("an LSTM with proj_size is not traced")
    if network.dropout and network.training and network.num_layers > 1:
        fail("dropout between the layers of a recurrent network draws its masks at random; call "
             "its .eval(), or give dropout=0")
    is_lone = input.ndim == 2
    axis = 1 if network.batch_first and not is_lone else 0
    steps = _steps(input, axis)
    ends: list[Any] = []
    for layer in range(network.num_layers):
        ways = [_way(network, hx, steps, layer, way, ends)
                for way in range(2 if network.bidirectional else 1)]
        steps = ways[0] if len(ways) == 1 else [
            run(_joined, [one, other]) for one, other in zip(*ways, strict=True)]
    output = run(_stacked, steps, axis)
    if network.mode == "LSTM":
        return output, tuple(run(_stacked, [end[k] for end in ends], 0) for k in (0, 1))
    return output, run(_stacked, ends, 0)


def _way(
    network: Any, hx: Any, steps: list[Any], layer: int, way: int, ends: list[Any]
) -> list[Any]:
    """The outputs of one layer, forwards or backwards, in the order of the steps; its last state
    goes behind `ends`."""
    is_lstm = network.mode == "LSTM"
    cell = CELLS[f"{_MODES.get(network.mode, network.mode.lower())}_cell"]
    state = _first(network, hx, len(ends), steps[0], is_lstm)
    outputs = []
    for step in steps[::-1] if way else steps:
        state = run(cell, step, state, *_weights(network, layer, way))
        outputs.append(state[0] if is_lstm else state)
    ends.append(state)
    return outputs[::-1] if way else outputs


_MODES = {"RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}


def _steps(input: Any, axis: int) -> list[Any]:
    count = input.shape[axis]
    if isinstance(count, Number) and not count.expression.is_Integer:
        fail(f"a recurrent network over the symbolic number of steps {count}; give it as a number "
             "in the shapes")
    return [input[(slice(None),) * axis + (step,)] for step in range(int(count))]


def _first(network: Any, hx: Any, place: int, step: Any, is_lstm: bool) -> Any:
    if hx is None:
        zero = run(_zeros, step, network.hidden_size)
        return (zero, zero) if is_lstm else zero
    return (hx[0][place], hx[1][place]) if is_lstm else hx[place]


def _weights(network: Any, layer: int, way: int) -> list[Any]:
    behind = f"_l{layer}{'_reverse' if way else ''}"
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if network.bias else [])]
    return [getattr(network, name + behind) for name in names]


def _zeros(xp: Any, step: Any, count: Any) -> Any:
    return xp.zeros((*step.shape[:-1], count))


def _joined(xp: Any, parts: Any) -> Any:
    return xp.concatenate(list(parts), axis=-1)


def _stacked(xp: Any, parts: Any, axis: Any) -> Any:
    return xp.stack(list(parts), axis=axis)
