"""What PyTorch code can hide from a trace ends a proof, and what it writes in place is seen."""

import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

SEEN = {}
CALLS = [0]
WEIGHTS = torch.tensor([1.0, 2.0, 3.0])


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Counting(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        CALLS[0] += 1
        return 2 * x * grad * (1 if CALLS[0] < 1000 else 2)


class Cached(Square):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        SEEN.setdefault("largest", x.max())
        return x * x * (SEEN["largest"] / SEEN["largest"])


class Branching(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad if x.mean() > 100 else 2 * x * grad


class Drawing(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad + 1e-300 * torch.rand_like(x)


class Asking(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            held = x.detach().requires_grad_()
            return torch.autograd.grad((held * held).sum(), held)[0] * grad


class Narrow(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return (2 * x.to(torch.bfloat16)).to(x.dtype) * grad


@pytest.mark.parametrize("function", [Counting, Cached, Branching, Drawing, Asking, Narrow])
def test_what_is_not_seen_is_not_proved(function):
    SEEN.clear()
    assert gp.check_layer(function, x="m n").verdict != "proved"


class InPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.clone().mul_(2.0)
        y[:, 0] += 1
        y[:, 1:].neg_()
        ctx.save_for_backward(y)
        return y * y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        made = torch.zeros_like(y)
        made[:, :1] = 4 * y[:, :1] * grad[:, :1]
        made[:, 1:].add_(-4 * y[:, 1:] * grad[:, 1:])
        return made


class Outside(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * WEIGHTS

    @staticmethod
    def backward(ctx, grad):
        return grad * WEIGHTS


class Joined(torch.autograd.Function):
    @staticmethod
    def forward(x, w):
        return torch.sigmoid(x @ w)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        x, w, a = ctx.saved_tensors
        delta = grad * a * (1 - a)
        return delta @ w.t(), x.t() @ delta


@pytest.mark.parametrize(("function", "shapes"), [
    (Square, {"x": "m n"}), (InPlace, {"x": "m n"}), (Outside, {"x": "m 3"}),
    (Joined, {"x": "m n", "w": "n k"}),
])
def test_what_is_seen_is_proved(function, shapes):
    assert gp.check_layer(function, **shapes).verdict == "proved"


def test_as_many_gradients_are_due_as_there_are_inputs():
    class Short(Joined):
        @staticmethod
        def backward(ctx, grad):
            return grad @ ctx.saved_tensors[1].t()

    with pytest.raises(gp.LayerError, match=r"returns 1 gradients, expected 2.*x, w"):
        gp.check_layer(Short, x="m n", w="n k")


def test_a_function_without_a_backward_is_said():
    class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

    with pytest.raises(gp.LayerError, match="a forward and a backward"):
        gp.check_layer(Half, x="m n")
