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


class Tallied(Square):
    seen = torch.zeros(())

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        Tallied.seen += 1
        return 2 * x * grad * torch.where(Tallied.seen < 1000, 1, 2)


NORM = torch.nn.BatchNorm1d(3)


class Held(Square):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad + 0 * NORM.running_mean


@pytest.mark.parametrize("function", [
    Tallied, Counting, Cached, Branching, Drawing, Asking, Narrow])
def test_what_is_not_seen_is_not_proved(function):
    SEEN.clear()
    assert gp.check_layer(function, x="m 3", repair_seconds=0).verdict != "proved"


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


def made(forward, backward):
    """An autograd function of two functions; `forward` saves its first input."""
    def ahead(ctx, x, *more):
        ctx.save_for_backward(x)
        return forward(x)

    def behind(ctx, g):
        return backward(g, *ctx.saved_tensors)

    def plain_ahead(ctx, x):
        return ahead(ctx, x)

    return type("Made", (torch.autograd.Function,), {
        "forward": staticmethod(plain_ahead), "backward": staticmethod(behind)})


F = torch.nn.functional


def dropped(function):
    """A function's result in place of its input is dropped; the input is used."""
    def forward(x):
        h = x.clone()
        function(h)
        return h * h
    return forward


def alone(change):
    def forward(x):
        s = x.sum()
        change(s)
        return s * x
    return forward


WRONG = {
    "the older way to say a sum": (
        lambda x: F.mse_loss(x, torch.ones_like(x), size_average=False),
        lambda g, x: 2 * (x - 1) * g / x.numel()),
    "the spectral norm": (
        lambda x: torch.linalg.norm(x, 2), lambda g, x: g * x / (x * x).sum().sqrt()),
    "a sum in integers": (
        lambda x: x.sum(dtype=torch.int64) * x, lambda g, x: g * x.sum() + (g * x).sum()),
    "places in integers": (
        lambda x: x * torch.linspace(0, 1, 3, dtype=torch.int64),
        lambda g, x: g * torch.linspace(0, 1, 3)),
    "in place of its input": (
        dropped(lambda h: F.relu(h, inplace=True)), lambda g, x: 2 * x * g),
    "what contiguous shares": (
        dropped(lambda h: h.contiguous().mul_(3)), lambda g, x: 2 * x * g),
    "what a cast to the same type shares": (
        dropped(lambda h: h.double().mul_(3)), lambda g, x: 2 * x * g),
    "what as_tensor shares": (
        dropped(lambda h: torch.as_tensor(h).mul_(3)), lambda g, x: 2 * x * g),
    "what to copies": (
        dropped(lambda h: h.to(torch.float64, copy=True).mul_(3)), lambda g, x: 18 * x * g),
    "what detach of a number shares": (
        alone(lambda s: s.detach().mul_(3)), lambda g, x: g * x.sum() + (g * x).sum()),
    "softplus beyond another threshold": (
        lambda x: F.softplus(x, threshold=1), lambda g, x: g * torch.sigmoid(x)),
    "sizes of tensors by name": (
        lambda x: x * torch.ones(size=x.shape), lambda g, x: g * torch.ones(size=()) * 2),
    "an upstream gradient that is written into": (
        lambda x: x * x, lambda g, x: g.mul_(2 * x)),
    "a narrow sum": (
        lambda x: x * x.numel(), lambda g, x: g * torch.ones_like(x).sum(dtype=torch.uint8)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_pytorch_does_otherwise_is_not_proved(name):
    shape = "3 3" if "integers" in name else "m n"
    assert gp.check_layer(made(*WRONG[name]), x=shape, repair_seconds=0).verdict != "proved"


class Asked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k = k
        return x * k

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.k if ctx.needs_input_grad[1] else grad, None


def test_no_gradient_is_asked_for_by_a_number():
    assert gp.check_layer(Asked, x="m n", k=3.0, repair_seconds=0).verdict == "refuted"


class Defaulted(torch.autograd.Function):
    @staticmethod
    def forward(x, b, k=2.0):
        return x * k + b

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, _, ctx.k = inputs

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.k, grad, None


def test_defaults_are_handed_on_and_gradients_summed_to_their_inputs():
    """PyTorch sums the gradient of what was broadcast."""
    assert gp.check_layer(Defaulted, x="m n", b="n", repair_seconds=0).verdict == "proved"


def test_a_type_that_is_asked_for_is_said():
    asked = made(lambda x: x * x,
                 lambda g, x: 2 * x * g if x.dtype == torch.float64 else 3 * x * g)
    assert "float64" in str(gp.check_layer(asked, x="m n"))
