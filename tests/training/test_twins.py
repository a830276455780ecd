"""The systems that train, beside the same models in PyTorch, written with its own layers: the same
losses, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pytest

from gradproof.training.examples import example
from gradproof.training.loop import Training

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
CLOSE = 1e-10


@dataclass
class Recorded:
    """The arrays and the loss of each step of a run, and the parameters that it began with."""

    first: dict[str, Any]
    steps: list[tuple[dict[str, Any], float]] = field(default_factory=list)


def recorded(training: Training, epochs: int) -> Recorded:
    found = Recorded({name: array.copy() for name, array in training.parameters.items()})
    gradient = training.gradient

    def watched(**arrays: Any) -> Any:
        made = gradient(**arrays)
        given = {name: array for name, array in arrays.items() if name not in training.parts}
        found.steps.append((given, float(made[0])))
        return made

    training.__dict__["gradient"] = watched
    for _ in islice(training.run(), epochs):
        pass
    return found


def tensor(array: Any) -> Any:
    return torch.tensor(np.asarray(array))


def put(target: Any, array: Any) -> None:
    with torch.no_grad():
        assert target.shape == np.shape(array)
        target.copy_(tensor(array))


def dense(first: dict[str, Any], place: int) -> Any:
    """torch.nn.Linear with the first values of a dense layer."""
    layer = torch.nn.Linear(*first[f"W{place}"].shape).double()
    put(layer.weight, first[f"W{place}"].T)
    put(layer.bias, first[f"b{place}"])
    return layer


def classified(Y: Any) -> Any:
    """Rows of one 1 among zeros as numbers of classes."""
    return tensor(Y.argmax(axis=-1)).reshape(-1)


cross_entropy = torch.nn.functional.cross_entropy
Loss = Callable[..., Any]


class Convolution(torch.nn.Module):
    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 8, 3, padding=1).double()
        put(self.conv.weight, first["W1"])
        put(self.conv.bias, first["b1"])
        self.head = dense(first, 4)

    def forward(self, X: Any, Y: Any) -> Any:
        h = torch.nn.functional.max_pool2d(torch.relu(self.conv(tensor(X))), 2)
        return cross_entropy(self.head(h.flatten(1)), classified(Y))


class Recurrent(torch.nn.Module):
    """torch.nn.LSTM or RNN; its gates stand in the order i, f, g, o, and its second bias is 0."""

    def __init__(self, first: dict[str, Any], gates: str) -> None:
        super().__init__()
        kind = torch.nn.LSTM if gates else torch.nn.RNN
        names = list(gates) or [""]
        self.loop = kind(8, 32).double()
        put(self.loop.weight_ih_l0, np.concatenate([first[f"W{gate}1"].T for gate in names]))
        put(self.loop.weight_hh_l0, np.concatenate([first[f"U{gate}1"].T for gate in names]))
        put(self.loop.bias_ih_l0, np.concatenate([first[f"b{gate}1"] for gate in names]))
        put(self.loop.bias_hh_l0, np.zeros(32 * len(names)))
        self.loop.bias_hh_l0.requires_grad_(False)
        self.head = dense(first, 3)

    def forward(self, X: Any, Y: Any) -> Any:
        states, _ = self.loop(tensor(X))
        return cross_entropy(self.head(states[-1]), classified(Y))


def block(first: dict[str, Any], place: int) -> Any:
    """torch.nn.TransformerEncoderLayer, its norms before, with the first values of a block.

    Its biases of Q, K, V and of what is put together, which the block has not, are 0.
    """
    heads, n, size = first[f"WQ{place}"].shape
    units = first[f"bF{place}"].shape[0]
    layer = torch.nn.TransformerEncoderLayer(
        n, heads, units, dropout=0, activation="gelu", batch_first=True, norm_first=True).double()
    attention = layer.self_attn
    put(attention.in_proj_weight, np.concatenate([
        first[f"W{which}{place}"].transpose(0, 2, 1).reshape(heads * size, n) for which in "QKV"]))
    put(attention.out_proj.weight, first[f"WO{place}"].reshape(heads * size, n).T)
    for bias in (attention.in_proj_bias, attention.out_proj.bias):
        put(bias, np.zeros(bias.shape))
        bias.requires_grad_(False)
    for linear, letter in ((layer.linear1, "F"), (layer.linear2, "G")):
        put(linear.weight, first[f"W{letter}{place}"].T)
        put(linear.bias, first[f"b{letter}{place}"])
    for norm, letter in ((layer.norm1, ""), (layer.norm2, "F")):
        put(norm.weight, first[f"gamma{letter}{place}"])
        put(norm.bias, first[f"beta{letter}{place}"])
    return layer


class Rows(torch.nn.Module):
    """A transformer block on the rows of a picture."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.before, self.block, self.head = dense(first, 1), block(first, 2), dense(first, 4)

    def forward(self, X: Any, Y: Any) -> Any:
        h = self.block(self.before(tensor(X)))
        return cross_entropy(self.head(h.flatten(1)), classified(Y))


class Letters(torch.nn.Module):
    """A causal transformer block on letters and their places."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(*first["E1"].shape).double()
        put(self.table.weight, first["E1"])
        self.block, self.head = block(first, 4), dense(first, 5)
        self.mask = torch.nn.Transformer.generate_square_subsequent_mask(16).double()

    def forward(self, X: Any, Y: Any) -> Any:
        h = self.table(tensor(X))
        h = self.block(h[:, :16] + h[:, 16:], src_mask=self.mask)
        return cross_entropy(self.head(h).flatten(0, 1), classified(Y))


class Factors(torch.nn.Module):
    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.users = torch.nn.Embedding.from_pretrained(tensor(first["U"]), freeze=False)
        self.items = torch.nn.Embedding.from_pretrained(tensor(first["V"]), freeze=False)

    def forward(self, user: Any, item: Any, rating: Any) -> Any:
        told = (self.users(tensor(user)) * self.items(tensor(item))).sum(1)
        return torch.nn.functional.mse_loss(told, tensor(rating))


class Embedded(Factors):
    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__(first)
        self.hidden = torch.nn.Linear(6, 16).double()
        self.last = torch.nn.Linear(16, 1).double()
        put(self.hidden.weight, np.concatenate([first["A"], first["B"]]).T)
        put(self.hidden.bias, first["b"])
        put(self.last.weight, first["c"][None])
        put(self.last.bias, first["d"][None])

    def forward(self, user: Any, item: Any, rating: Any) -> Any:
        both = torch.cat([self.users(tensor(user)), self.items(tensor(item))], 1)
        told = self.last(torch.tanh(self.hidden(both)))[:, 0]
        return torch.nn.functional.mse_loss(told, tensor(rating))


TWINS = {
    ("digits", "convolution"): Convolution,
    ("digits-lstm", "LSTM"): lambda first: Recurrent(first, "ifgo"),
    ("digits-lstm", "RNN"): lambda first: Recurrent(first, ""),
    ("digits-transformer", "transformer block"): Rows,
    ("text", "transformer block"): Letters,
    ("ratings", "factorisation"): Factors,
    ("ratings", "embeddings"): Embedded,
}


@pytest.mark.parametrize("epochs", [2, pytest.param(None, marks=pytest.mark.rows)])
@pytest.mark.parametrize(("name", "label"), TWINS)
def test_a_system_trains_as_in_pytorch(name, label, epochs):
    """Over two epochs, of some 25 to 45 steps each, or the whole run."""
    chosen = example(name)
    if chosen.data == "digits":
        pytest.importorskip("sklearn")
    (variant,) = (one for one in chosen.variants if one.label == label)
    run = recorded(chosen.begun(variant), epochs or variant.plan.epochs)
    twin = TWINS[name, label](run.first)
    optimiser = torch.optim.Adam([p for p in twin.parameters() if p.requires_grad],
                                 lr=variant.plan.eta)
    for step, (arrays, mine) in enumerate(run.steps, 1):
        loss = twin(**arrays)
        assert mine == pytest.approx(loss.item(), rel=CLOSE), step
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    losses = [loss for _, loss in run.steps]
    assert len(losses) >= 50
    assert max(losses) > 1.1 * min(losses)
