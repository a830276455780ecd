"""`gp.check_layer` of a torch.nn.Module around functions with a backward pass of their own."""

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, by):
        ctx.save_for_backward(x)
        ctx.by = by
        return by * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * ctx.by * g * x, None


class Halved(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return ctx.by * g * x, None


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(x, weight, eps):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, ctx.eps = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + ctx.eps)
        weighed = g * weight
        along = (weighed * x).mean(-1, keepdim=True)
        return (scale * weighed - scale**3 * x * along,
                (g * x * scale).flatten(0, -2).sum(0), None)


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return x @ weight.t() + bias

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight, g.t() @ x, g.sum(0)


class NoSum(Linear):
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight, g.t() @ x, g.mean(0)


class Round(torch.autograd.Function):
    """A straight-through estimator."""

    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, g):
        return g


class Kernel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.from_numpy(np.tanh(x.detach().numpy()))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


class Viewed(torch.autograd.Function):
    """Fails where its upstream gradient is not contiguous."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return (2 * x.flatten() * g.view(-1)).view(x.shape)


class Pick(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table, places):
        ctx.save_for_backward(places)
        ctx.shape = table.shape
        return table[places]

    @staticmethod
    def backward(ctx, g):
        (places,) = ctx.saved_tensors
        made = g.new_zeros(ctx.shape)
        made.index_add_(0, places, g)
        return made, None


class Net(nn.Module):
    def __init__(self, function, middle=lambda z: z):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.out = nn.Linear(4, 2)
        self.function, self.middle = function, middle

    def forward(self, x):
        return self.out(self.middle(self.function(self.fc(x))))


class Norm(nn.Module):
    def __init__(self, size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return RMSNorm.apply(x, self.weight, self.eps)


class Dense(nn.Module):
    def __init__(self, ins, outs, function=Linear):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins))
        self.bias = nn.Parameter(torch.zeros(outs))
        self.function = function

    def forward(self, x):
        return self.function.apply(x, self.weight, self.bias)


class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(5, 3))
        self.head = nn.Linear(3, 2)

    def forward(self, places):
        return self.head(Pick.apply(self.table, places))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Dense(3, 3)
        self.b = Dense(3, 3)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.scale = Norm(4), nn.Parameter(torch.ones(()))

    def forward(self, x, y, flag=True):
        made = self.norm(x + y) * self.scale
        return (made, Square.apply(y, 2.0)) if flag else made


def apply(function, *more):
    return lambda z: function.apply(z, *more)


LONG = pytest.mark.rows
RIGHT = [  # module, inputs, the names of its gradients
    (Net(apply(Square, 3.0), apply(Square, 2)), {"x": "m n"},
     "x fc.weight fc.bias out.weight out.bias"),
    (Net(lambda z: Square.apply(torch.tanh(z), 1.5) + z), {"x": "m n"}, "x fc.weight"),
    (Norm(4), {"x": "b t d"}, "x weight"),
    pytest.param(nn.Sequential(nn.Linear(3, 4), Norm(4), nn.ReLU(), Dense(4, 2)), {"x": "m n"},
     "0.weight 1.weight 3.weight 3.bias", marks=LONG),
    (Dense(3, 2), {"x": "m n"}, "x weight bias"),
    pytest.param(Tied(), {"x": "m n"}, "x a.weight a.bias b.bias", marks=LONG),
    (Table(), {"places": gp.Array("m", kind="labels 5")}, "table head.weight"),
    (Two(), {"x": "m d", "y": "m d"}, "x y norm.weight scale"),
    (Two(), {"x": "m d", "y": "m d", "flag": False}, "x y norm.weight scale"),
    pytest.param(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), Norm(4)).eval(), {"x": "m n"},
     "0.weight 1.weight 2.weight", marks=LONG),
]


def checked(module, inputs, **options):
    inputs = {("input" if isinstance(module, nn.Sequential) and name == "x" else name): spec
              for name, spec in inputs.items()}
    return gp.check_layer(module, inputs=inputs, repair_seconds=0, **options)


@pytest.mark.parametrize(("module", "inputs", "names"), RIGHT)
def test_right_functions_prove_the_gradients_of_the_whole(module, inputs, names):
    found = checked(module, inputs)
    assert found.verdict == "proved", str(found)
    assert set(names.split()) - {"x"} <= {check.name for check in found}
    assert all(check.scope.startswith("for all ") for check in found)


@pytest.mark.parametrize(("module", "inputs", "wrong", "right", "said"), [
    (Net(apply(Halved, 3.0)), {"x": "m n"}, "x fc.weight fc.bias", "out.weight out.bias",
     "return ctx.by * g * x, None"),
    (Net(apply(Square, 3.0), apply(Halved, 2)), {"x": "m n"}, "x fc.weight", "out.weight",
     "return ctx.by * g * x, None"),
    (nn.Sequential(Dense(3, 4), nn.Tanh(), Dense(4, 2, NoSum)), {"x": "m n"}, "2.bias",
     "0.weight 0.bias 2.weight", "g.mean(0)"),
    (Net(apply(Round)), {"x": "m n"}, "fc.weight", "", ""),
])
def test_a_wrong_function_is_refuted_where_its_gradient_arrives(
    module, inputs, wrong, right, said
):
    found = checked(module, inputs)
    verdicts = {check.name: check.verdict for check in found}
    assert {verdicts[name] for name in wrong.split() if name in verdicts} == {"refuted"}, str(found)
    assert {verdicts[name] for name in right.split()} <= {"proved"}, str(found)
    assert said in found.first_wrong


def test_what_is_not_traced_agrees_and_is_named():
    found = gp.check_layer(Net(apply(Kernel)), x="m n", repair_seconds=0)
    assert {check.name: check.verdict for check in found}["fc.weight"] == "agrees"
    assert "numpy" in found["fc.weight"].reason


def test_a_function_that_fails_in_a_circumstance_is_said():
    found = gp.check_layer(Net(apply(Viewed)), x="m n", repair_seconds=0)
    assert found["fc.weight"].verdict in ("undecided", "refuted")
    assert "Viewed alone is refuted" in found["fc.weight"].reason
    assert found["out.weight"].verdict == "proved"


def test_what_it_is_not():
    for module, inputs, said in (
            (nn.Linear(3, 2), {"input": "m n"}, "applies no function"),
            (Net(apply(Square, 1)), {"y": "m n"}, "missing a required argument: 'x'"),
            (Net(apply(Square, 1)), {"x": "m n", "seconds": 4}, "did you mean repair_seconds=?"),
            (Net(apply(Square, 1)), {"x": "m 7"}, "does not take inputs of these shapes"),
            (Net, {"x": "m n"}, "a class of torch.nn.Modules"),
            (Net(apply(Square, 1)), {"x": "m n", "wrt": ["fc"]}, "'fc' is no input or trained")):
        with pytest.raises(ValueError, match=said.replace("?", r"\?")):
            gp.check_layer(module, **inputs)


def test_by_what_is_asked_for():
    module = Net(apply(Square, 1.0))
    module.fc.bias.requires_grad_(False)
    assert [check.name for check in checked(module, {"x": "m n"})] == [
        "x", "fc.weight", "out.weight", "out.bias"]
    assert [check.name for check in checked(module, {"x": "m n"}, wrt=["fc.weight"])] == [
        "fc.weight"]
    before = {name: one.clone() for name, one in module.state_dict().items()}
    gp.assert_layer(module, x="m n", require="proved", repair_seconds=0)
    assert all(torch.equal(before[name], one) for name, one in module.state_dict().items())
    assert module.fc.weight.dtype == torch.float32


def test_a_module_is_derived_by_the_values_of_its_functions():
    made = gp.derive(Net(apply(Halved, 3.0)), x="m n")
    assert "6 (∂L/∂Z_out W_out) ⊙ z" in str(made)
    assert any("Halved is derived by its values" in one for one in made.assumptions)


class Doubled(nn.Module):
    def __init__(self, hook, of=Square):
        super().__init__()
        self.W = nn.Parameter(torch.ones(3, dtype=torch.float64))
        self.of = of
        if hook is not None:
            self.W.register_hook(hook)

    def forward(self, x):
        return self.of.apply(x * self.W, 2.0)


@pytest.mark.parametrize(("hook", "verdict"), [
    (lambda g: 2 * g, "refuted"), (lambda g: g.clamp(-1e6, 1e6), "agrees"),
    (lambda g: None, "agrees"), (None, "proved")])
def test_a_hook_of_a_parameter_is_a_part_of_its_gradient(hook, verdict):
    found = {check.name: check for check in gp.check_layer(Doubled(hook), x="m 3")}
    assert (found["x"].verdict, found["W"].verdict) == ("proved", verdict)
    if hook is not None:
        assert "a hook of W" in f"{found['W'].reason} {found['W'].notes}"


def test_a_hook_of_the_module_sees_what_it_is_called_with():
    module = Doubled(None)
    module.register_full_backward_hook(lambda module, ahead, behind: (3 * ahead[0],))
    found = {check.name: check for check in gp.check_layer(module, x="m 3")}
    assert found["x"].verdict == "refuted"
    assert "1/3" in found["x"].diagnosis
    assert found["W"].verdict == "agrees"


class Chosen(Doubled):
    def forward(self, x):
        y = super().forward(x)
        return {"y": y, "which": y.argmax(1), "is": [y > 0, (y * y,)]}


class Places(Doubled):
    def forward(self, x):
        return super().forward(x).argmax(1)


@pytest.mark.parametrize(("of", "verdict"), [(Square, "proved"), (Halved, "refuted")])
def test_outputs_that_are_no_real_numbers_are_left_out(of, verdict):
    found = gp.check_layer(Chosen(None, of), x="m 3")
    assert [check.verdict for check in found] == [verdict] * 2
    with pytest.raises(ValueError, match="Places returns no real numbers"):
        gp.check_layer(Places(None, of), x="m 3")
