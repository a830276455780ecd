"""The forward passes of PyTorch's modules that are compiled code, or choose between several.

What PyTorch writes in Python runs as it is; these are the others, by the class of the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..source import LIBRARY, fail
from .layers import FUNCTIONAL
from .recurrent import sequence
from .shapes import METHODS
from .sums import softmax
from .tensor import run


def attention(
    network: Any, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
    need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Any:
    """Of nn.MultiheadAttention.  Vaswani et al., Attention Is All You Need (2017), 3.2.2."""
    if key_padding_mask is not None or network.bias_k is not None or network.add_zero_attn:
        fail("MultiheadAttention with key_padding_mask, add_bias_kv or add_zero_attn is not traced")
    if network.dropout and network.training:
        fail("dropout in MultiheadAttention draws its mask at random; call the module's .eval(), "
             "or give dropout=0")
    if query.ndim not in (2, 3):
        fail(f"MultiheadAttention of a query with {query.ndim} axes is not traced")
    weights = ([network.q_proj_weight, network.k_proj_weight, network.v_proj_weight]
               if network.in_proj_weight is None else _thirds(network.in_proj_weight))
    biases = [None] * 3 if network.in_proj_bias is None else _thirds(network.in_proj_bias)
    turned = query.ndim == 3 and not network.batch_first
    q, k, v = (
        run(_heads, run(FUNCTIONAL["linear"], _turned(one) if turned else one, weight, bias), count)
        for one, weight, bias, count in zip((query, key, value), weights, biases,
                                            [network.num_heads] * 3, strict=True))
    out, shares = run(_attended, q, k, v, attn_mask)
    out = run(FUNCTIONAL["linear"], run(_together, out), network.out_proj.weight,
              network.out_proj.bias)
    if need_weights and average_attn_weights:
        shares = run(METHODS["mean"], shares, -3)
    return _turned(out) if turned else out, shares if need_weights else None


def _thirds(array: Any) -> list[Any]:
    size = array.shape[0] // 3
    return [array[k * size : (k + 1) * size] for k in range(3)]


def _turned(array: Any) -> Any:
    return array.transpose(0, 1)


def _heads(xp: Any, rows: Any, count: Any) -> Any:
    """(..., steps, features) as (..., heads, steps, features of a head)."""
    apart = xp.reshape(rows, (*rows.shape[:-1], count, rows.shape[-1] // count))
    return xp.swapaxes(apart, -2, -3)


def _together(xp: Any, heads: Any) -> Any:
    rows = xp.swapaxes(heads, -2, -3)
    return xp.reshape(rows, (*rows.shape[:-2], rows.shape[-2] * rows.shape[-1]))


def _attended(xp: Any, q: Any, k: Any, v: Any, mask: Any) -> Any:
    scores = xp.matmul(q, xp.swapaxes(k, -1, -2)) / xp.sqrt(q.shape[-1])
    if mask is not None:
        scores = xp.where(mask, -xp.inf, scores) if mask.kind == "bool" else scores + mask
    shares = softmax(xp, scores, -1)
    out = xp.matmul(shares, v)
    for name, value in zip("QKVPH", (q, k, v, shares, out), strict=True):
        xp.spoken(name, value)
    return out, shares


def encoder_layer(
    network: Any, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None,
    is_causal: bool = False,
) -> Any:
    """Of nn.TransformerEncoderLayer, by the way that PyTorch takes where gradients are asked for.
    """
    def attended(x: Any) -> Any:
        return network._sa_block(x, src_mask, src_key_padding_mask, is_causal=is_causal)

    if network.norm_first:
        x = src + attended(network.norm1(src))
        return x + network._ff_block(network.norm2(x))
    x = network.norm1(src + attended(src))
    return network.norm2(x + network._ff_block(x))


def encoder(
    network: Any, src: Any, mask: Any = None, src_key_padding_mask: Any = None,
    is_causal: bool | None = None,
) -> Any:
    """Of nn.TransformerEncoder."""
    for layer in network.layers:
        src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
    return src if network.norm is None else network.norm(src)


def batch_norm(network: Any, input: Any) -> Any:
    """Of nn.BatchNorm1d and the like; the running statistics, which a call in train mode also
    changes, are not what it returns."""
    network._check_input_dim(input)
    is_training = network.training or network.running_mean is None
    return run(FUNCTIONAL["batch_norm"], input, network.running_mean, network.running_var,
               network.weight, network.bias, is_training, 0.0, network.eps)


def transposed(network: Any, input: Any, output_size: Any = None) -> Any:
    """Of nn.ConvTranspose1d and the like."""
    if output_size is not None:
        fail("a transposed convolution with output_size= is not traced; give output_padding")
    return run(FUNCTIONAL[f"conv_transpose{len(network.kernel_size)}d"], input, network.weight,
               network.bias, network.stride, network.padding, network.output_padding,
               network.groups, network.dilation)


_FORWARDS: dict[str, Callable[..., Any]] = {
    "MultiheadAttention": attention, "TransformerEncoderLayer": encoder_layer,
    "TransformerEncoder": encoder, "_BatchNorm": batch_norm, "LSTM": sequence, "GRU": sequence,
    "RNN": sequence,
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), transposed),
}


def instead_of(function: Any) -> Callable[..., Any] | None:
    """What stands here for the forward pass of a module of PyTorch's; None for any other."""
    owner, _, name = str(getattr(function, "__qualname__", "")).rpartition(".")
    is_theirs = name == "forward" and str(function.__module__).startswith(LIBRARY)
    return _FORWARDS.get(owner) if is_theirs else None
