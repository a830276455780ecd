"""torch.nn.functional in NumPy's words: norms, losses, convolutions and attention.

A row takes NumPy first and then the parameters of PyTorch's function, by its names.
"""

from __future__ import annotations

from typing import Any

from ..source import fail
from .elementwise import ACTIVATIONS
from .shapes import embedding, one_hot
from .sums import cosine_similarity, linear, log_softmax, normalize, softmax, softmin
from .tensor import Row


def layer_norm(xp: Any, input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None,
               eps: Any = 1e-5) -> Any:
    """Ba, Kiros, Hinton, Layer Normalization (2016)."""
    count = len(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else 1
    axes = tuple(range(-count, 0))
    return _scaled(_standard(xp, input, axes, eps), weight, bias)


def rms_norm(
    xp: Any, input: Any, normalized_shape: Any, weight: Any = None, eps: Any = None
) -> Any:
    """Zhang, Sennrich, Root Mean Square Layer Normalization (2019)."""
    if eps is None:
        fail("rms_norm without eps= takes the precision of its input; give eps")
    count = len(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else 1
    mean = xp.mean(input * input, axis=tuple(range(-count, 0)), keepdims=True)
    return _scaled(input / xp.sqrt(mean + eps), weight, None)


def _standard(xp: Any, input: Any, axes: Any, eps: Any) -> Any:
    """With mean 0 and variance 1 over some axes."""
    mean = xp.mean(input, axis=axes, keepdims=True)
    centred = input - mean
    variance = xp.mean(centred * centred, axis=axes, keepdims=True)
    made = centred / xp.sqrt(variance + eps)
    for name, value in zip(("mu", "v", "xhat"), (mean, variance, made), strict=True):
        xp.spoken(name, value)
    return made


def _scaled(made: Any, weight: Any, bias: Any) -> Any:
    made = made if weight is None else made * weight
    return made if bias is None else made + bias


def dropout(
    xp: Any, input: Any, p: Any = 0.5, training: bool = True, inplace: bool = False
) -> Any:
    if training and p != 0:
        fail("dropout draws its mask at random; hand the mask in as an input, or call the module's "
             ".eval()")
    return input


def batch_norm(
    xp: Any, input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: Any = 0.1, eps: Any = 1e-5,
) -> Any:
    """Ioffe, Szegedy, Batch Normalization (2015), over all axes but the second.

    momentum: of the running statistics, which are not changed here.
    """
    ahead = (-1,) + (1,) * (input.ndim - 2)
    if training:
        if running_mean is not None:
            xp.assume("the running statistics of batch_norm, which change with every call, are "
                      "not looked at")
        axes = (0, *range(2, input.ndim))
        made = _standard(xp, input, axes, eps)
    else:
        spread = xp.reshape(running_var, ahead)
        made = (input - xp.reshape(running_mean, ahead)) / xp.sqrt(spread + eps)
    return _scaled(made, *(
        None if one is None else xp.reshape(one, ahead) for one in (weight, bias)))


def weight_norm(xp: Any, v: Any, g: Any, dim: Any = 0) -> Any:
    """Salimans, Kingma, Weight Normalization (2016), equation 2; -1: of the whole array."""
    axes = tuple(axis for axis in range(v.ndim) if dim == -1 or axis != dim % v.ndim)
    return v * (g / xp.sqrt(xp.sum(v * v, axis=axes, keepdims=dim != -1)))


def group_norm(xp: Any, input: Any, num_groups: Any, weight: Any = None, bias: Any = None,
               eps: Any = 1e-5) -> Any:
    """Wu, He, Group Normalization (2018)."""
    batch, channels, *inside = input.shape
    apart = xp.reshape(input, (batch, num_groups, channels // num_groups, *inside))
    made = _standard(xp, apart, tuple(range(2, apart.ndim)), eps)
    ahead = (-1,) + (1,) * len(inside)
    return _scaled(xp.reshape(made, input.shape), *(
        None if one is None else xp.reshape(one, ahead) for one in (weight, bias)))


# --- losses -------------------------------------------------------------------------------------


def _reduced(xp: Any, losses: Any, reduction: str, *older: Any) -> Any:
    """older: size_average and reduce, by which PyTorch once said it."""
    if any(one is not None for one in older):
        fail("size_average= and reduce= are not traced; say it by reduction=")
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        fail(f"reduction={reduction!r} is not traced")
    return xp.mean(losses) if reduction == "mean" else xp.sum(losses)


def mse_loss(xp: Any, input: Any, target: Any, size_average: Any = None, reduce: Any = None,
             reduction: str = "mean") -> Any:
    apart = input - target
    return _reduced(xp, apart * apart, reduction, size_average, reduce)


def l1_loss(xp: Any, input: Any, target: Any, size_average: Any = None, reduce: Any = None,
            reduction: str = "mean") -> Any:
    return _reduced(xp, xp.abs(input - target), reduction, size_average, reduce)


def soft_margin_loss(xp: Any, input: Any, target: Any, size_average: Any = None,
                     reduce: Any = None, reduction: str = "mean") -> Any:
    return _reduced(xp, xp.logaddexp(0, -target * input), reduction, size_average, reduce)


def huber_loss(xp: Any, input: Any, target: Any, reduction: str = "mean", delta: Any = 1.0) -> Any:
    off = xp.abs(input - target)
    return _reduced(xp, xp.where(off <= delta, off * off / 2, delta * (off - delta / 2)), reduction)


def smooth_l1_loss(xp: Any, input: Any, target: Any, size_average: Any = None, reduce: Any = None,
                   reduction: str = "mean", beta: Any = 1.0) -> Any:
    off = xp.abs(input - target)
    losses = xp.where(off < beta, off * off / (2 * beta), off - beta / 2)
    return _reduced(xp, losses, reduction, size_average, reduce)


def binary_cross_entropy(
    xp: Any, input: Any, target: Any, weight: Any = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Any:
    """Its logarithms are held above -100 by PyTorch, which is beyond what is traced."""
    xp.assume("the logarithms of binary_cross_entropy are above -100")
    losses = -(target * xp.log(input) + (1 - target) * xp.log(1 - input))
    return _reduced(xp, losses if weight is None else weight * losses, reduction, size_average,
                    reduce)


def binary_cross_entropy_with_logits(
    xp: Any, input: Any, target: Any, weight: Any = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean", pos_weight: Any = None,
) -> Any:
    scale = 1 if pos_weight is None else pos_weight
    losses = -(scale * target * xp.special("log_expit", input)
               + (1 - target) * xp.special("log_expit", -input))
    return _reduced(xp, losses if weight is None else weight * losses, reduction, size_average,
                    reduce)


def nll_loss(xp: Any, input: Any, target: Any, weight: Any = None, size_average: Any = None,
             ignore_index: Any = -100, reduce: Any = None, reduction: str = "mean") -> Any:
    _only("nll_loss", {"weight": weight, "ignore_index": ignore_index})
    if input.ndim != 2:
        fail("nll_loss of other than two axes is not traced")
    return _reduced(xp, -input[xp.arange(input.shape[0]), target], reduction, size_average, reduce)


def cross_entropy(
    xp: Any, input: Any, target: Any, weight: Any = None, size_average: Any = None,
    ignore_index: Any = -100, reduce: Any = None, reduction: str = "mean",
    label_smoothing: Any = 0.0,
) -> Any:
    """By labels, or by probabilities of the shape of the input, over axis 1."""
    _only("cross_entropy", {"weight": weight, "ignore_index": ignore_index})
    if input.ndim != 2:
        fail("cross_entropy of other than two axes is not traced")
    logs = log_softmax(xp, input, 1)
    of_target = (-logs[xp.arange(input.shape[0]), target] if target.ndim == 1
                 else -xp.sum(target * logs, axis=1))
    if label_smoothing:
        of_target = (1 - label_smoothing) * of_target - label_smoothing * xp.mean(logs, axis=1)
    return _reduced(xp, of_target, reduction, size_average, reduce)


def kl_div(xp: Any, input: Any, target: Any, size_average: Any = None, reduce: Any = None,
             reduction: str = "mean",
           log_target: bool = False) -> Any:
    if log_target:
        losses = xp.exp(target) * (target - input)
    else:
        losses = xp.special("xlogy", target, target) - target * input
    if reduction == "batchmean":
        return xp.sum(losses) / losses.shape[0]
    return _reduced(xp, losses, reduction, size_average, reduce)


def _only(name: str, more: dict[str, Any]) -> None:
    for option, value in more.items():
        if value is not None and (option, value) != ("ignore_index", -100):
            fail(f"{name} with {option}= is not traced")


# --- convolutions, attention --------------------------------------------------------------------


def pad(xp: Any, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """PyTorch names the last axis first."""
    if mode != "constant":
        fail(f"pad with mode={mode!r} is not traced")
    pairs = [(pad[k], pad[k + 1]) for k in range(0, len(pad), 2)][::-1]
    return xp.pad(input, [(0, 0)] * (input.ndim - len(pairs)) + pairs,
                  constant_values=0 if value is None else value)


def _each(value: Any, count: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count


def _windows(xp: Any, input: Any, size: Any, stride: Any, dilation: Any) -> Any:
    """The windows over the last axes: (..., places, entries of a window)."""
    axes = len(size)
    whole = tuple((count - 1) * by + 1 for count, by in zip(size, dilation, strict=True))
    windows = xp.lib.stride_tricks.sliding_window_view(
        input, whole, axis=tuple(range(input.ndim - axes, input.ndim)))
    steps = tuple(slice(None, None, by) for by in (*stride, *dilation))
    return windows[(*(slice(None),) * (input.ndim - axes), *steps)]


def _convolution(axes: int) -> Row:
    """The windows of the input times the kernels."""
    inside, kernel = "xyz"[:axes], "ijk"[:axes]

    def convolve(
        xp: Any, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: Any = 1,
    ) -> Any:
        if groups != 1:
            ins, outs = weight.shape[1], weight.shape[0] // groups
            parts = [convolve(xp, input[:, k * ins : (k + 1) * ins],
                              weight[k * outs : (k + 1) * outs],
                              None if bias is None else bias[k * outs : (k + 1) * outs],
                              stride, padding, dilation) for k in range(int(groups))]
            return xp.concatenate(parts, axis=1)
        apart = _each(dilation, axes)
        edges = [(by, by) for by in _each(0 if isinstance(padding, str) else padding, axes)]
        if padding == "same":
            whole = [(count - 1) * by for count, by in zip(weight.shape[2:], apart, strict=True)]
            edges = [(int(by) // 2, int(by) - int(by) // 2) for by in whole]
        held = xp.pad(input, [(0, 0), (0, 0), *edges]) if any(map(any, edges)) else input
        windows = _windows(xp, held, tuple(weight.shape[2:]), _each(stride, axes), apart)
        made = xp.einsum(f"nc{inside}{kernel},oc{kernel}->no{inside}", windows, weight)
        return made if bias is None else made + xp.reshape(bias, (-1,) + (1,) * axes)

    return convolve


def _transposed(axes: int) -> Row:
    """A convolution of the input with zeros between its entries, by kernels turned around:
    Dumoulin, Visin, A guide to convolution arithmetic (2016), relationship 14."""
    convolve = _convolution(axes)

    def spread(
        xp: Any, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: Any = 1, dilation: Any = 1,
    ) -> Any:
        if groups != 1:
            ins = weight.shape[0] // groups
            parts = [spread(xp, input[:, k * ins : (k + 1) * ins],
                            weight[k * ins : (k + 1) * ins], None, stride, padding,
                            output_padding, 1, dilation) for k in range(int(groups))]
            made = xp.concatenate(parts, axis=1)
            return made if bias is None else made + xp.reshape(bias, (-1,) + (1,) * axes)
        apart, edges = _each(dilation, axes), []
        for axis, by in enumerate(_each(stride, axes)):
            input = _with_zeros(xp, input, 2 + axis, by)
            reach = (weight.shape[2 + axis] - 1) * apart[axis] - _each(padding, axes)[axis]
            edges.append((int(reach), int(reach) + _each(output_padding, axes)[axis]))
        if min(map(min, edges)) < 0:
            fail("a transposed convolution whose padding is larger than its kernel is not traced")
        turned = xp.swapaxes(xp.flip(weight, axis=tuple(range(2, 2 + axes))), 0, 1)
        return convolve(xp, xp.pad(input, [(0, 0), (0, 0), *edges]), turned, bias,
                        dilation=dilation)

    return spread


def _with_zeros(xp: Any, array: Any, axis: int, by: Any) -> Any:
    """An array with by - 1 zeros between the entries along an axis."""
    if by == 1:
        return array
    shape, count = list(array.shape), array.shape[axis]
    apart = xp.expand_dims(array, axis + 1)
    blank = [xp.zeros_like(apart)] * (int(by) - 1)
    wide = xp.reshape(xp.concatenate([apart, *blank], axis=axis + 1),
                      (*shape[:axis], count * by, *shape[axis + 1:]))
    return wide[(slice(None),) * axis + (slice(None, (count - 1) * by + 1),)]


def _pooling(axes: int, reduce: str) -> Row:
    over = tuple(range(-axes, 0))

    def pooled(xp: Any, input: Any, size: Any, stride: Any, padding: Any, dilation: Any,
               beyond: str = "constant") -> Any:
        edges = [(0, 0)] * (input.ndim - axes) + [(by, by) for by in padding]
        held = xp.pad(input, edges, mode=beyond) if any(padding) else input
        return getattr(xp, reduce)(_windows(xp, held, size, stride, dilation), axis=over)

    def maxima(xp: Any, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
               dilation: Any = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
        if ceil_mode or return_indices:
            fail("max pooling with ceil_mode, or that returns places, is not traced")
        size = _each(kernel_size, axes)
        by = size if stride is None else _each(stride, axes)
        edges, apart = _each(padding, axes), _each(dilation, axes)
        if any(edges) and any(step != 1 for step in apart):
            fail("max pooling with a padding and a dilation is not traced")
        # A window reaches at most by half beyond the end: the entry there is in it, so that to have
        # it once more changes no maximum.
        return pooled(xp, input, size, by, edges, apart, "edge")

    def means(xp: Any, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
              ceil_mode: bool = False, count_include_pad: bool = True,
              divisor_override: Any = None) -> Any:
        if ceil_mode or divisor_override is not None:
            fail("average pooling with ceil_mode or divisor_override is not traced")
        size, edges = _each(kernel_size, axes), _each(padding, axes)
        by = size if stride is None else _each(stride, axes)
        made = pooled(xp, input, size, by, edges, (1,) * axes)
        if count_include_pad or not any(edges):
            return made
        return made / pooled(xp, xp.ones_like(input), size, by, edges, (1,) * axes)

    return maxima if reduce == "max" else means


def _one_pool(axes: int) -> Row:
    """adaptive_avg_pool into one entry along each axis."""
    def pool(xp: Any, input: Any, output_size: Any) -> Any:
        if any(size != 1 for size in _each(output_size, axes)):
            fail("adaptive pooling into more than one entry along an axis is not traced")
        return xp.mean(input, axis=tuple(range(-axes, 0)), keepdims=True)

    return pool


def scaled_dot_product_attention(
    xp: Any, query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: Any = 0.0,
    is_causal: bool = False, scale: Any = None, enable_gqa: bool = False,
) -> Any:
    """Vaswani et al., Attention Is All You Need (2017), equation 1."""
    if attn_mask is not None or dropout_p or is_causal or enable_gqa:
        fail("scaled_dot_product_attention with a mask or dropout is not traced")
    by = 1 / xp.sqrt(query.shape[-1]) if scale is None else scale
    return xp.matmul(softmax(xp, xp.matmul(query, xp.swapaxes(key, -1, -2)) * by, -1), value)


def glu(xp: Any, input: Any, dim: Any = -1) -> Any:
    """Dauphin et al., Language Modeling with Gated Convolutional Networks (2017), equation 1."""
    value, gate = xp.split(input, 2, axis=dim)
    return value * ACTIVATIONS["sigmoid"](xp, gate)


def bilinear(xp: Any, input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    made = xp.einsum("...i,oij,...j->...o", input1, weight, input2)
    return made if bias is None else made + bias


FUNCTIONAL: dict[str, Row] = {
    "bilinear": bilinear, "glu": glu,
    **ACTIVATIONS, "linear": linear, "softmax": softmax, "softmin": softmin,
    "log_softmax": log_softmax, "normalize": normalize, "one_hot": one_hot, "embedding": embedding,
    "cosine_similarity": cosine_similarity, "layer_norm": layer_norm, "rms_norm": rms_norm,
    "batch_norm": batch_norm, "group_norm": group_norm,
    **{f"adaptive_avg_pool{axes}d": _one_pool(axes) for axes in (1, 2, 3)},
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout",
                     "feature_alpha_dropout"), dropout), "mse_loss": mse_loss, "l1_loss": l1_loss,
    "soft_margin_loss": soft_margin_loss, "huber_loss": huber_loss,
    "smooth_l1_loss": smooth_l1_loss, "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits, "nll_loss": nll_loss,
    "cross_entropy": cross_entropy, "kl_div": kl_div, "pad": pad, "conv1d": _convolution(1),
    "conv2d": _convolution(2), "conv3d": _convolution(3),
    **{f"conv_transpose{axes}d": _transposed(axes) for axes in (1, 2, 3)},
    "max_pool1d": _pooling(1, "max"),
    "max_pool2d": _pooling(2, "max"), "avg_pool1d": _pooling(1, "mean"),
    "avg_pool2d": _pooling(2, "mean"), "scaled_dot_product_attention": scaled_dot_product_attention,
}
