"""Each row of the tables of PyTorch's functions is what PyTorch computes, on numbers."""

import numpy as np
import pytest

from gradproof.symbolic.tracing.torch.modules import MODULES
from gradproof.symbolic.tracing.torch.tensor import Extremes, Tensor

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
special = pytest.importorskip("scipy.special")

RNG = np.random.default_rng(5)
X, Y = RNG.uniform(0.1, 0.9, size=(2, 3, 4))
SIGNED = RNG.normal(size=(3, 4)) * 3
ONE, OTHER = RNG.normal(size=(2, 4))
SQUARE = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
SPD = SQUARE @ SQUARE.T
STACK = RNG.normal(size=(2, 3, 4))
IMAGES = RNG.normal(size=(2, 3, 6, 7))
LABELS = np.array([2, 0, 3])
PLACES = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])
TRUE = SIGNED > 0
CELL = [[RNG.normal(size=size) for size in ((2 * gates, 4), (2 * gates, 2), 2 * gates, 2 * gates)]
        for gates in (4, 3, 1)]


class Numpy:
    """What a row computes with, here NumPy itself and SciPy."""

    def __getattr__(self, name):
        return getattr(np, name)

    def special(self, name, *args, **options):
        return getattr(special, name)(*args, **options)

    def assume(self, said):
        pass

    stops = assume

    def spoken(self, name, value):
        pass


ARGUMENTS = {
    **{name: [(TRUE, SIGNED > 1)] for name in (
        "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or")},
    **{name: [(TRUE,)] for name in ("logical_not", "bitwise_not", "all", "any")},
    **{name: [(SQUARE,)] for name in ("det", "slogdet", "inverse", "inv", "trace")},
    "acosh": [(X + 1,)], "arccosh": [(X + 1,)], "logdet": [(SPD,)], "cholesky": [(SPD,)],
    "masked_fill": [(X, TRUE, 7.0)], "where": [(TRUE, X, Y), (TRUE, X, 0.0)],
    "addcmul": [(X, Y, SIGNED)], "addcdiv": [(X, Y, Y + 1)], "lerp": [(X, Y, 0.3)],
    "clamp": [(SIGNED, -1, 1), (SIGNED, 0)], "clip": [(SIGNED, -1, 1)],
    "clamp_min": [(SIGNED, 0.1)], "clamp_max": [(SIGNED, 0.1)], "prelu": [(SIGNED, ONE[:1])],
    "threshold": [(SIGNED, 0.1, 20.0)], "polygamma": [(1, X)], "mvlgamma": [(X + 3, 2)],
    "multigammaln": [(X + 3, 2)], "pow": [(X, 3), (X, Y)], "float_power": [(X, 3.0)],
    "softmax": [(X, 1), (STACK, -1)], "log_softmax": [(X, 1)], "softmin": [(X, 1)],
    "logsumexp": [(X, 1), (X, (0, 1)), (X, 1, True)], "norm": [(X,), (X, 2, 1), (X, 1, -1, True)],
    "vector_norm": [(X,), (X, 3, 1)], "normalize": [(X,), (X, 2.0, 0)],
    "sum": [(X,), (X, 1), (X, (0, 1)), (X, -1, True)], "mean": [(X,), (X, 1), (X, 0, True)],
    "nansum": [(X, 1)], "nanmean": [(X, 1)], "prod": [(X,), (X, 1, True)],
    "amax": [(X,), (X, 1), (X, (0, 1), True)], "amin": [(X, 1)],
    "max": [(X,), (X, 1), (X, 0, True), (X, Y)], "min": [(X,), (X, 1), (X, Y)],
    "argmax": [(X,), (X, 1), (X, 1, True)], "argmin": [(X, 1)],
    **{name: [(X,), (X, 1), (X, 1, False, True), (X, (0, 1), True)] for name in (
        "var", "std", "var_mean", "std_mean")},
    "cumsum": [(X, 1)], "cumprod": [(X, 1)], "diff": [(X,), (X, 1, 0)],
    "count_nonzero": [(SIGNED > 0,)], "matmul": [(X, Y.T), (STACK, SQUARE)], "mm": [(X, Y.T)],
    "bmm": [(STACK, np.swapaxes(STACK, 1, 2))], "mv": [(X, ONE)], "dot": [(ONE, OTHER)],
    "vdot": [(ONE, OTHER)], "inner": [(X, ONE)], "outer": [(ONE, OTHER)], "ger": [(ONE, OTHER)],
    "addbmm": [(X[:, :3], STACK, np.swapaxes(STACK, 1, 2))], "addr": [(X, X[:, 0], Y[0])],
    "ldexp": [(X, Y)], "rot90": [(X,), (X, 2), (STACK, 3, (1, 2))],
    "addmm": [(SQUARE, X.T, Y)], "addmv": [(ONE, SQUARE, OTHER)],
    "baddbmm": [(STACK[:, :, :3], STACK, np.swapaxes(STACK, 1, 2))], "kron": [(X, Y)],
    "reshape": [(X, (2, 6)), (X, (-1,))], "permute": [(STACK, (2, 0, 1))],
    **{name: [(STACK, 0, 2)] for name in ("transpose", "swapaxes", "swapdims")},
    "t": [(X,), (ONE,)],
    "squeeze": [(X[:, :1],), (X[:, :1], 1), (X, 1)], "unsqueeze": [(X, 1), (X, -1)],
    "flatten": [(STACK,), (STACK, 1)], "unflatten": [(X, 1, (2, 2))],
    "movedim": [(STACK, 0, 2)], "split": [(X, 2, 1), (X, [1, 3], 1), (X, 2)], "chunk": [(X, 2, 1)],
    "unbind": [(X,), (X, 1)], "select": [(X, 1, 2)], "narrow": [(X, 1, 1, 2)],
    "flip": [(X, (0, 1))], "roll": [(X, 1), (X, 1, 0)], "tril": [(SQUARE,), (SQUARE, -1)],
    "triu": [(SQUARE,), (SQUARE, 1)], "diagonal": [(SQUARE,)],
    "diag": [(ONE,), (SQUARE,)], "diag_embed": [(X,)], "tile": [(X, (2, 3))],
    "repeat_interleave": [(X, 2), (X, 2, 1)], "gather": [(X, 0, PLACES), (X, 1, PLACES)],
    "index_select": [(X, 1, np.array([0, 2, 2]))], "take_along_dim": [(X, PLACES, 0)],
    "scatter": [(X, 0, PLACES[:1], SIGNED[:1])],
    "scatter_add": [(X, 0, PLACES, SIGNED[:2]), (X.T, 1, np.array([[0], [2], [1], [1]]), X[:1].T),
                    (ONE, 0, LABELS, OTHER[:3])],
    "index_add": [(X, 0, np.array([0, 2, 2]), SIGNED), (X, 1, np.array([1, 1]), SIGNED[:, :2])],
    "masked_select": [(X, TRUE)], "cat": [([X, Y],), ([X, Y], 1)], "concat": [([X, Y], 1)],
    "concatenate": [([X, Y], 1)], "stack": [([X, Y],), ([X, Y], -1)], "hstack": [([X, Y],)],
    "vstack": [([X, Y],)], "einsum": [("ij,kj->ik", X, Y)], "tensordot": [(X, Y.T, 1)],
    "cdist": [(X, Y)], "cosine_similarity": [(X, Y), (X, Y, 0)], "broadcast_to": [(ONE, (3, 4))],
    "broadcast_tensors": [(ONE, X)], "meshgrid": [], "is_tensor": [], "is_floating_point": [],
    "solve": [(SQUARE, X.T)], "matrix_power": [(SQUARE, 3)], "multi_dot": [([X, SQUARE, Y.T],)],
    "vecdot": [(X, Y)], "eigh": [], "svd": [], "pinv": [(X,)],
    "linear": [(X, Y), (X, Y, ONE[:3])], "one_hot": [(LABELS, 5)], "embedding": [(LABELS, SQUARE)],
    "layer_norm": [(X, (4,)), (X, (4,), ONE, OTHER), (STACK, (3, 4))],
    "batch_norm": [(X.T, ONE[:3], X[:, 0], OTHER[:3], ONE[:3]),
                   (IMAGES, None, None, None, None, True)],
    "group_norm": [(IMAGES.reshape(1, 6, 6, 7), 3), (X.T, 3, ONE[:3], OTHER[:3])],
    "adaptive_avg_pool1d": [(STACK, 1)], "adaptive_avg_pool2d": [(IMAGES, 1), (IMAGES, (1, 1))],
    "adaptive_avg_pool3d": [(IMAGES, 1)],
    "lstm_cell": [(X, [Y[:, :2], SIGNED[:, :2]], *CELL[0])], "gru_cell": [(X, Y[:, :2], *CELL[1])],
    **{name: [(X, Y[:, :2], *CELL[2])] for name in ("rnn_tanh_cell", "rnn_relu_cell")},
    "bilinear": [(X, Y, RNG.normal(size=(5, 4, 4))), (X, Y, STACK.repeat(2, 1)[:, :4], ONE[:2])],
    "rms_norm": [(X, (4,), ONE, 1e-5)],
    **{name: [(X, 0.5, False)] for name in (
        "dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d")},
    **{name: [(IMAGES, 0.5, False)] for name in ("dropout2d", "dropout3d")},
    "_weight_norm": [(X, X[:, :1], 0), (X, X[:1], 1), (X, np.asarray(X[0, 0]), -1)],
    **{name: [(X, SIGNED)] for name in (
        "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "soft_margin_loss")},
    "binary_cross_entropy": [(X, Y)], "binary_cross_entropy_with_logits": [(SIGNED, Y)],
    "nll_loss": [(X, LABELS)], "cross_entropy": [(X, LABELS), (X, Y)],
    "kl_div": [(SIGNED, Y, None, None, "batchmean"), (SIGNED, Y, None, None, "sum")],
    "pad": [(X, (1, 2)), (X, (1, 2, 0, 1), "constant", 3.0)],
    "conv1d": [(IMAGES[:, 0], IMAGES[:, 0, :, :3]),
               (IMAGES[:, 0], IMAGES[:, 0, :, :3], None, 1, "same", 2)],
    "conv2d": [(IMAGES, IMAGES[:, :, :3, :2]), (IMAGES, IMAGES[:, :, :3, :2], ONE[:2], 2, 1),
               (IMAGES, STACK.reshape(6, 1, 2, 2), SIGNED.ravel()[:6], 1, 0, 1, 3)],
    "conv3d": [(IMAGES[None], IMAGES[None, :, :2, :2, :2])], "max_pool1d": [(IMAGES[0], 2)],
    "glu": [(IMAGES, 2), (IMAGES[..., :6],)],
    "conv_transpose1d": [(IMAGES[:, 0], IMAGES[0, 0, :, None, :3], None, 2, 1, 1)],
    "conv_transpose2d": [(IMAGES, IMAGES[0, :, None, :2, :3], ONE[:1], (1, 2), 0, 0, 1, 2)],
    "conv_transpose3d": [(IMAGES[None], IMAGES[:, None, :2, :2, :2])],
    "max_pool2d": [(IMAGES, 2), (IMAGES, (3, 2), 1), (IMAGES, 3, 2, 1)],
    "avg_pool1d": [(IMAGES[0], 2), (IMAGES[0], 3, 1, 1), (IMAGES[0], 3, 1, 1, False, False)],
    "avg_pool2d": [(IMAGES, 2)],
    "scaled_dot_product_attention": [(X, Y, STACK[0]), (STACK, STACK, STACK)],
    "entr": [(X,)], "numel": [(X,)], "heaviside": [(SIGNED, Y)],
    **{name: [] for name in ("zeros", "ones", "full", "eye", "tensor", "as_tensor", "asarray",
                             "scalar_tensor", "arange", "linspace", "zeros_like", "ones_like",
                             "full_like")},  # of types, which are those of a trace
}
BINARY = {"add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide",
          "remainder", "floor_divide", "maximum", "minimum", "fmax", "fmin", "atan2", "arctan2",
          "hypot", "logaddexp", "logaddexp2", "copysign", "xlogy", "xlog1py", "eq", "ne",
          "not_equal", "lt", "less", "le", "less_equal", "gt", "greater", "ge", "greater_equal"}
SIGNED_ONES = {"relu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus",
               "hardtanh", "relu6", "hardsigmoid", "hardswish", "softsign", "tanhshrink",
               "softshrink", "hardshrink", "logsigmoid", "sign", "abs", "floor", "ceil", "round"}


def cases(name):
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    return [(SIGNED, Y)] if name in BINARY else [(SIGNED if name in SIGNED_ONES else X,)]


def tensors(value):
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    return [tensors(one) for one in value] if isinstance(value, list) else value


def numbers(value):
    if isinstance(value, (tuple, list, Extremes)):
        return [numbers(one) for one in value]
    return value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def same(one, other):
    if isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            same(left, right)
        return
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


ROWS = [(module, name) for module, rows in MODULES.items() for name in rows]


@pytest.mark.parametrize(("module", "name"), ROWS)
def test_a_row_computes_what_pytorch_computes(module, name):
    owner = torch
    for part in module.split(".")[1:]:
        owner = getattr(owner, part)
    theirs = getattr(owner, name)
    for args in cases(name):
        ours = MODULES[module][name](Numpy(), *args)
        same(numbers(ours), numbers(theirs(*map(tensors, args))))


@pytest.mark.parametrize("name", [
    name for name in Tensor.methods if hasattr(torch.Tensor, name) and (
        name in ARGUMENTS or name in BINARY or name in SIGNED_ONES)])
def test_a_method_computes_what_pytorch_computes(name):
    for args in cases(name):
        if not isinstance(args[0], np.ndarray):
            continue
        if name == "where":
            args = (args[1], args[0], args[2])
        ours = Tensor.methods[name](Numpy(), *args)
        first, *rest = map(tensors, args)
        same(numbers(ours), numbers(getattr(first, name)(*rest)))
