"""PyTorch modules as people write them, each with the shapes of its inputs and its loss.

None was written for a derivation: they are the layers of tutorials and of public models, small.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - as all of PyTorch's code has it
from torch import nn

import gradproof as gp


class Sigmoids(nn.Module):
    """3-4-2, with the squared error behind it."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        return torch.sigmoid(self.output(torch.sigmoid(self.hidden(x))))


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.conv2 = nn.Conv2d(2, 3, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = F.relu(self.conv2(x))
        return self.fc(torch.flatten(x, 1))


class ResidualMLP(nn.Module):
    def __init__(self, width=5, hidden=7):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return x + self.drop(self.down(F.gelu(self.up(self.norm(x)))))


class SqueezeExcite(nn.Module):
    def __init__(self, channels=4, ratio=2):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // ratio, bias=False), nn.ReLU(inplace=True),
            nn.Linear(channels // ratio, channels, bias=False), nn.Sigmoid())

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        return self._norm(x) * self.weight


class SwiGLU(nn.Module):
    def __init__(self, dim=4, hidden=6):
        super().__init__()
        self.norm = RMSNorm(dim)
        self.w1 = nn.Linear(dim, hidden, bias=False)
        self.w2 = nn.Linear(hidden, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden, bias=False)

    def forward(self, x):
        h = self.norm(x)
        return x + self.w2(F.silu(self.w1(h)) * self.w3(h))


class MeanPoolClassifier(nn.Module):
    def __init__(self, vocabulary=6, dim=4, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.fc = nn.Linear(dim, classes)

    def forward(self, tokens):
        return self.fc(self.embedding(tokens).mean(dim=1))


class AttentionPooling(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.query = nn.Parameter(torch.randn(dim))
        self.key = nn.Linear(dim, dim)

    def forward(self, x):
        scores = self.key(x) @ self.query / math.sqrt(x.size(-1))
        weights = torch.softmax(scores, dim=-1)
        return (weights.unsqueeze(-1) * x).sum(1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 6))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class CausalSelfAttention(nn.Module):
    def __init__(self, n_embd=4, n_head=2, block=3):
        super().__init__()
        self.c_attn = nn.Linear(n_embd, 3 * n_embd)
        self.c_proj = nn.Linear(n_embd, n_embd)
        self.n_head, self.n_embd = n_head, n_embd
        self.register_buffer("bias", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
        att = F.softmax(att, dim=-1)
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.c_proj(y)


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.bn = nn.BatchNorm1d(4)
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.bn(self.fc1(x))))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])


class LoRA(nn.Module):
    """A frozen layer, and a low-rank change of it."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(4, 3)
        self.base.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.randn(2, 4))
        self.lora_B = nn.Parameter(torch.randn(3, 2))

    def forward(self, x):
        return self.base(x) + 0.5 * (x @ self.lora_A.T @ self.lora_B.T)


class DeepSet(nn.Module):
    def __init__(self):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3, 4), nn.ELU(), nn.Linear(4, 4))
        self.rho = nn.Sequential(nn.Linear(4, 4), nn.ELU(), nn.Linear(4, 1))

    def forward(self, x):
        return self.rho(self.phi(x).mean(1))


class First(nn.Module):
    """The outputs of a recurrent network, without its last state."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


class Highway(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.transform = nn.Linear(dim, dim)
        self.gate = nn.Linear(dim, dim)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        h = torch.relu(self.transform(x))
        return t * h + (1 - t) * x


class BasicBlock(nn.Module):
    def __init__(self, channels=2):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


def half_squares(y, t):
    return ((y - t) ** 2).sum() / 2


def of_both(h, c, t):
    return ((h - t) ** 2).mean() + c.pow(2).sum()


STATE = (gp.Array("m 4", name="h"), gp.Array("m 4", name="c"))
MODULES = {
    "mlp": (nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)), {"x": "m n"}, None),
    "cnn": (SmallCNN(), {"x": "m 1 6 6"}, None),
    "encoder layer": (nn.TransformerEncoderLayer(4, 2, dim_feedforward=6, dropout=0.0,
                                                 batch_first=True), {"src": "b t d"}, None),
    "lstm cell": (nn.LSTMCell(3, 4), {"input": "m n", "hx": STATE, "t": "m 4"}, of_both),
    "3-4-2": (Sigmoids(), {"x": "m n", "t": "m k"}, half_squares),
    "cross-entropy": (nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)),
                      {"x": "m n", "target": gp.Array("m", kind="labels 3")},
                      nn.CrossEntropyLoss()),
    "gru cell": (nn.GRUCell(3, 4), {"input": "m n", "hx": "m 4"}, None),
    "residual mlp": (ResidualMLP().eval(), {"x": "m n"}, None),
    "squeeze and excite": (SqueezeExcite(), {"x": "b c h w"}, None),
    "swiglu": (SwiGLU(), {"x": "b t d"}, None),
    "mean pool": (MeanPoolClassifier(), {"tokens": gp.Array("b t", kind="labels 6")}, None),
    "attention pooling": (AttentionPooling(), {"x": "b t d"}, None),
    "autoencoder": (Autoencoder(), {"x": "m n"}, None),
    "causal attention": (CausalSelfAttention(), {"x": "b 3 d"}, None),
    "batch norm": (Normed(), {"x": "m n"}, None),
    "batch norm in eval mode": (Normed().eval(), {"x": "m n"}, None),
    "gru": (Recurrent(), {"x": "b 2 d"}, None),
    "lstm": (First(nn.LSTM(2, 3, num_layers=2, bidirectional=True, batch_first=True)),
             {"x": "b 2 d"}, None),
    "rnn": (First(nn.RNN(2, 3, nonlinearity="relu")), {"x": "2 m d"}, None),
    "lora": (LoRA(), {"x": "m n"}, None),
    "deep set": (DeepSet(), {"x": "b t d"}, None),
    "grouped convolution": (nn.Conv2d(4, 4, 2, groups=2), {"input": "m 4 3 3"}, None),
    "highway": (Highway(), {"x": "m n"}, None),
    "basic block": (BasicBlock().eval(), {"x": "b c 4 4"}, None),
    "pre-norm encoder layer": (nn.TransformerEncoderLayer(4, 2, dim_feedforward=6, norm_first=True,
                                                          activation="gelu").eval(),
                               {"src": "t b d"}, None),
}
"""By name: a module, the shapes of its inputs (and its loss's), and its loss or None."""
SIZES = {"m": 5, "b": 2, "t": 3, "n": 3, "d": 4, "c": 4, "h": 3, "w": 2}


def values(derivation, seed=1):
    """Arrays for a derivation: the module's own, and random ones."""
    import numpy as np

    rng = np.random.default_rng(seed)
    found = dict(derivation.arrays())
    for array in derivation.chain.system.inputs:
        if array.name in found:
            continue
        shape = [int(size.xreplace({symbol: SIZES[str(symbol)] for symbol in size.free_symbols}))
                 for size in array.shape]
        found[array.name] = (rng.integers(0, int(array.classes), shape) if array.is_integer
                             else rng.normal(size=shape))
    return found


def by_autograd(derivation, module, shapes, loss, arrays):
    """PyTorch's value, and its gradients by what the derivation differentiates by."""
    import copy

    import numpy as np

    own = copy.deepcopy(module).double().requires_grad_(True)  # what is frozen may be asked for
    own.train(module.training)
    leaves = dict(own.named_parameters())
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in arrays.items()
               if name not in derivation.parameters}
    for tensor in tensors.values():
        tensor.requires_grad_(tensor.is_floating_point())

    def taken(name):
        spec = shapes[name]
        return tuple(tensors[one.name] for one in spec) if isinstance(spec, tuple) else (
            tensors[name])

    beside = ["t"] if "t" in shapes else ["target"] if "target" in shapes else []
    made = own(*[taken(name) for name in shapes if name not in beside])
    if loss is not None:
        outputs = made if isinstance(made, tuple) else (made,)
        made = loss(*outputs, *[taken(name) for name in beside])
        scalar = made
    else:
        (up,) = derivation.upstream.values()
        scalar = (made * tensors[up].detach()).sum()
    by = [leaves[derivation.parameters[name]] if name in derivation.parameters else tensors[name]
          for name in derivation.gradients]
    found = torch.autograd.grad(scalar, by)
    return made.detach().numpy(), {name: gradient.numpy() for name, gradient in zip(
        derivation.gradients, found, strict=True)}
