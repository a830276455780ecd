"""What a framework does around a backward pass: outputs not used, tensors of any layout."""

import linecache

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")


class SumAndSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x.sum(-1), x * x

    @staticmethod
    def backward(ctx, g1, g2):
        (x,) = ctx.saved_tensors
        made = torch.zeros_like(x)
        if g1 is not None:
            made = made + g1.unsqueeze(-1)
        return made if g2 is None else made + 2 * x * g2


class Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        values, places = x.max(dim=-1)
        ctx.save_for_backward(places)
        ctx.mark_non_differentiable(places)
        ctx.shape = x.shape
        return values, places

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_values, _):
        (places,) = ctx.saved_tensors
        grad = grad_values.new_zeros(ctx.shape)
        return grad.scatter_(-1, places.unsqueeze(-1), grad_values.unsqueeze(-1))


class AddAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *args):
        ctx.n = len(args)
        return sum(args[1:], start=args[0])

    @staticmethod
    def backward(ctx, *grads):
        return grads * ctx.n


class ScaledInPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        ctx.mark_dirty(x)
        return x.mul_(scale)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.scale, None


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return (g @ weight.t() if ctx.needs_input_grad[0] else None,
                x.t() @ g if ctx.needs_input_grad[1] else None)


@torch.library.custom_op("gradproof_tests::sine_times", mutates_args=())
def sine_times(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x.sin() * y


def backward_of_sine_times(ctx, g):
    x, y = ctx.saved_tensors
    return g * x.cos() * y, g * x.sin()


sine_times.register_autograd(
    backward_of_sine_times,
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))


@pytest.mark.parametrize(("function", "inputs"), [
    (SumAndSquare, {"x": "m n"}), (Largest, {"x": "m 3"}),
    (AddAll, {"a": "m n", "b": "m n", "c": "m n"}), (ScaledInPlace, {"x": "m n", "scale": 3.0}),
    (Linear, {"x": "m n", "weight": "n k"}), (sine_times, {"x": "m n", "y": "m n"}),
    (torch.ops.gradproof_tests.sine_times, {"x": "m n", "y": "m n"}),
], ids=lambda value: getattr(value, "__name__", ""))
def test_what_pytorch_does_around_the_passes_is_done(function, inputs):
    result = gp.check_layer(function, **inputs)
    assert result.verdict == "proved", str(result)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


class NoneIsNotExpected(SumAndSquare):
    @staticmethod
    def backward(ctx, g1, g2):
        (x,) = ctx.saved_tensors
        return g1.unsqueeze(-1) + 2 * x * g2  # planted


class Viewing(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        flat = g.view(-1)  # planted
        return (2 * x.reshape(-1) * flat).view(x.shape)


class Writing(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g.mul_(2 * x)  # planted


class ReadingMemory(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        rows, columns = x.shape
        if g.untyped_storage().size() < g.element_size() * rows * columns:
            g = g.contiguous()
        raw = torch.as_strided(g, (rows, columns), (columns, 1))  # planted
        return 2 * x * raw


class WritesWhatItSaved(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return x.mul_(2) * g


class OnTheClass(Square):
    kept = None

    @staticmethod
    def forward(ctx, x):
        OnTheClass.kept = x.detach().clone()
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * OnTheClass.kept * g


class AllOrNothing(Linear):
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        if not all(ctx.needs_input_grad):
            return g @ weight.t(), g.t() @ x  # planted
        return g @ weight.t(), x.t() @ g


class OnlyDoubles(Linear):
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight.t().double(), x.t() @ g  # planted


@pytest.mark.parametrize(("function", "inputs", "said"), [
    (NoneIsNotExpected, {"x": "m n"}, "upstream gradient is None"),
    (Viewing, {"x": "m n"}, "(stride 0)"),
    (Writing, {"x": "m n"}, "(stride 0)"),
    (ReadingMemory, {"x": "m n"}, "the upstream gradient is"),
    (OnTheClass, {"x": "m n"}, "called a second time"),
    (AllOrNothing, {"x": "m n", "weight": "n k"}, "requires no gradient"),
    (OnlyDoubles, {"x": "m n", "weight": "n k"}, "float32"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_right_in_algebra_alone_is_refuted_with_the_circumstance(function, inputs, said):
    result = gp.check_layer(function, repair_seconds=0, **inputs)
    assert result.verdict == "refuted", str(result)
    assert any(said in check.reason for check in result.checks), str(result)
    if result.place is not None:
        line = linecache.getline(result.place.filename, result.place.line)
        assert line.rstrip().endswith("# planted"), str(result)


def test_a_backward_that_writes_into_what_was_saved_does_not_pass():
    assert gp.check_layer(WritesWhatItSaved, x="m n").verdict in ("undecided", "refuted")


class OnTheContext(Square):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.x * g


def test_what_pytorch_does_not_see_written_is_an_assumption():
    (check,) = gp.check_layer(OnTheContext, x="m n").checks
    assert check.verdict == "proved"
    assert any("nobody writes into x" in one for one in check.assumptions)
    (check,) = gp.check_layer(Square, x="m n").checks
    assert not check.assumptions


# --- kernels ------------------------------------------------------------------------------------


class Kernel(torch.autograd.Function):
    """As compiled code: nothing of it can be traced."""

    dtype = np.float64

    @classmethod
    def of(cls, tensor):
        return tensor.numpy().astype(cls.dtype)

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        made = np.tanh(Kernel.of(x) @ Kernel.of(w))
        return torch.from_numpy(made).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        x, w = map(Kernel.of, ctx.saved_tensors)
        delta = Kernel.of(g) * (1 - np.tanh(x @ w) ** 2)
        return (torch.from_numpy(delta @ w.T).to(g.dtype),
                torch.from_numpy(x.T @ delta).to(g.dtype))


class WrongKernel(Kernel):
    @staticmethod
    def backward(ctx, g):
        x, w = map(Kernel.of, ctx.saved_tensors)
        delta = Kernel.of(g) * (1 - np.tanh(x @ w))
        return torch.from_numpy(delta @ w.T), torch.from_numpy(x.T @ delta)


class KernelOfDenseMemory(Kernel):
    """Reads the upstream gradient as if it were dense."""

    @staticmethod
    def backward(ctx, g):
        count = g.numel()
        stored = g.untyped_storage().nbytes() // g.element_size()
        dense = torch.as_strided(g, (count,), (1,)) if stored >= count else g.flatten()
        return Kernel.backward(ctx, dense.reshape(g.shape))


def by_torch(x, w):
    return torch.tanh(x @ w)


def by_numpy(x, w):
    return np.tanh(x @ w)


def another(x, w):
    return torch.sin(x @ w)


@pytest.mark.parametrize(("function", "reference", "verdict"), [
    (Kernel, by_torch, "agrees"), (Kernel, by_numpy, "agrees"), (WrongKernel, by_torch, "refuted"),
    (KernelOfDenseMemory, by_torch, "refuted"), (Kernel, another, "refuted"),
])
def test_a_kernel_is_held_against_the_derivative_of_its_reference(function, reference, verdict):
    result = gp.check_layer(function, reference=reference, x="m n", w="n k", repair_seconds=0)
    assert result.verdict == verdict, str(result)


def test_a_kernel_is_judged_by_its_digits(monkeypatch):
    monkeypatch.setattr(Kernel, "dtype", np.float32)
    right, wrong = (gp.check_layer(function, reference=by_torch, x="m n", w="n k",
                                   repair_seconds=0) for function in (Kernel, WrongKernel))
    assert right.verdict == "agrees", str(right)
    assert 1e-7 < right["x"].bound < 1e-3
    assert wrong.verdict == "refuted", str(wrong)


def test_an_input_may_be_called_reference():
    def forward(reference):
        return reference ** 2

    def backward(dout, reference):
        return 2 * reference * dout

    assert gp.check_layer(forward, backward, reference="m n").verdict == "proved"


# --- a second derivative ------------------------------------------------------------------------


class SavesItsOutput(Square):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return y * g


class SavesWhatItComputed(Square):
    @staticmethod
    def forward(ctx, x):
        slope = 3 * x * x
        ctx.save_for_backward(slope)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        (slope,) = ctx.saved_tensors
        return slope * g


class SavesItOnTheContext(SavesWhatItComputed):
    @staticmethod
    def forward(ctx, x):
        ctx.kept = [3 * x * x]
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        return ctx.kept[0] * g


class Detaches(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x.detach() * g


class DetachesFarAway(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * torch.where(x > 1e6, x.detach(), x) * g


class UntrackedFarAway(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with torch.no_grad():
            held = x * 1.0
        return 2 * torch.where(x > 1e6, held, x) * g


class Once(SavesWhatItComputed):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (slope,) = ctx.saved_tensors
        return slope * g


@pytest.mark.parametrize(("function", "said"), [
    (Square, "is proved as well"), (SavesItsOutput, "is proved as well"),
    (SavesWhatItComputed, "is wrong at"), (SavesItOnTheContext, "is wrong at"),
    (Detaches, "is wrong at"), (DetachesFarAway, "agrees with differences"), (Once, ""),
    (UntrackedFarAway, "agrees with differences"),
])
def test_the_derivative_of_backward_is_looked_at(function, said):
    (check,) = gp.check_layer(function, x="m n").checks
    assert check.verdict == "proved"
    told = [note for note in check.notes if "second derivative" in note]
    assert len(told) == bool(said)
    assert all(said in note for note in told), told


class Around(torch.nn.Module):
    def forward(self, x):
        return Square.apply(x)


def test_a_class_of_modules_is_an_error_that_says_what_to_hand_over():
    with pytest.raises(gp.LayerError, match=r"hand over one of them, Around\(\.\.\.\)"):
        gp.check_layer(Around, x="m n")
    assert gp.check_layer(Around(), x="3 4").verdict == "proved"


def test_a_reference_without_names_is_an_error():
    with pytest.raises(gp.LayerError, match="named parameters"):
        gp.check_layer(SavesItsOutput, reference=torch.exp, x="m n")


class OtherInBfloat16(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return (4 if g.dtype == torch.bfloat16 else 2) * x * g


def test_another_gradient_in_bfloat16_alone_is_refuted():
    result = gp.check_layer(OtherInBfloat16, x="m n", repair_seconds=0)
    assert result.verdict == "refuted"
    assert "wrong in bfloat16" in str(result), str(result)


class Normed(Square):
    """Of zeros it is none."""

    @staticmethod
    def forward(ctx, x, v):
        norm = v.norm()
        ctx.save_for_backward(x, v, norm)
        return x * v / norm

    @staticmethod
    def backward(ctx, g):
        x, v, norm = ctx.saved_tensors
        along = g * x / norm
        return g * v / norm, along.sum(0) - v * (along * v).sum() / norm**2


class FailsInBfloat16(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * torch.eye(x.shape[0]) @ (x * g)


def test_an_empty_axis_is_no_reason_to_hand_over_zeros():
    result = gp.check_layer(Normed, x="m n", v="n")
    assert result.verdict == "proved", str(result)


def test_what_fails_in_bfloat16_is_said():
    """It is no silent mistake, as another gradient there is."""
    (check,) = gp.check_layer(FailsInBfloat16, x="m n").checks
    assert check.verdict == "proved", str(check)
    assert any("not used in bfloat16" in one for one in check.assumptions)
