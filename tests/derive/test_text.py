"""Text as equations: what a formula or a list of equations means is what NumPy means by it."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gradproof.codegen.interpret import evaluate
from gradproof.codegen.spelling import scalar
from gradproof.symbolic.equation import Array, EquationError, System, size_symbol, slot
from gradproof.symbolic.functions import RELU, Z
from gradproof.symbolic.shapes import ShapeTextError, least_sizes, parse_shape
from gradproof.symbolic.text.formula import parse_formula
from gradproof.symbolic.text.statements import FormulaError, parse_equations

SIZES = {"m": 4, "n": 3, "h": 5, "k": 2}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- formulas -----------------------------------------------------------------------------------

FORMULAS = {
    "z/(1+exp(-z))": lambda z: z * sigmoid(z),
    "max(0.2*z, z)": lambda z: np.maximum(0.2 * z, z),
    "max(0, z)": lambda z: np.maximum(0, z),
    "where(z > 0, z, 0.1*z)": lambda z: np.where(z > 0, z, 0.1 * z),
    "where(z >= 0, z, exp(z) - 1)": lambda z: np.where(z >= 0, z, np.exp(z) - 1),
    "where(z < 1, z, 2)": lambda z: np.where(z < 1, z, 2),
    "where(z <= 1, z, 2)": lambda z: np.where(z <= 1, z, 2),
    "where(z == 0, 1, sin(z)/z)": lambda z: np.where(z == 0, 1, np.sin(z) / np.where(z, z, 1)),
    "where(z != 0, 1, 2)": lambda z: np.where(z != 0, 1, 2),
    "(z > 0)*z**2": lambda z: (z > 0) * z**2,
    "(z >= 0) + 2*(z <= 0) + 3*(z == 0) + 5*(z != 0) + 7*(z < 1)": lambda z: (
        1 * (z >= 0) + 2 * (z <= 0) + 3 * (z == 0) + 5 * (z != 0) + 7 * (z < 1)
    ),
    "tanh(z)": np.tanh,
    "log(1+exp(z))": lambda z: np.log1p(np.exp(z)),
    "log1p(expm1(z)**2)": lambda z: np.log1p(np.expm1(z) ** 2),
    "sigmoid(z)*z": lambda z: z * sigmoid(z),
    "abs(z) + sign(z)": lambda z: np.abs(z) + np.sign(z),
    "sqrt(z^2 + 1)": lambda z: np.sqrt(z**2 + 1),
    "sqrt(z**2)": np.abs,
    "-z^2": lambda z: -(z**2),
    "2^-z": lambda z: 2.0**-z,
    "2^3^0.5*z": lambda z: 2.0 ** (3**0.5) * z,
    "minimum(z, 1) + max(-1, min(z, 1))": lambda z: np.minimum(z, 1) + np.clip(z, -1, 1),
    "max(max(z, 1), 2*z)": lambda z: np.maximum(np.maximum(z, 1), 2 * z),
    "0.5*z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z**3)))": lambda z: (
        0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    ),
    "relu(z) + softplus(z) + leaky_relu(z) + step(z)": lambda z: (
        np.maximum(z, 0) + np.logaddexp(0, z) + np.where(z > 0, z, 0.01 * z) + (z > 0)
    ),
    "logaddexp(z, -z) + sinh(z)*cosh(z)": lambda z: np.logaddexp(z, -z) + np.sinh(z) * np.cosh(z),
    "cos(z)*arctan(z) + e + 1.5e-3 + .5": lambda z: np.cos(z) * np.arctan(z) + math.e + 0.5015,
    "square(z)*reciprocal(2 + z**2) + power(z, 3)": lambda z: z**2 / (2 + z**2) + z**3,
}


def value_of(expression: sp.Expr, z: np.ndarray) -> np.ndarray:
    body = expression.xreplace({Z: slot(0)})
    with np.errstate(divide="ignore", invalid="ignore"):  # a branch that is not taken
        return np.broadcast_to(scalar(body, 1, ())(z), z.shape)


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_means_what_numpy_means(text):
    z = np.concatenate([np.random.default_rng(0).normal(size=20), [0.0, 1.0, -1.0]])
    np.testing.assert_allclose(value_of(parse_formula(text), z), FORMULAS[text](z), 1e-12, 1e-13)


def test_erf_of_a_formula():
    assert parse_formula("z*(1 + erf(z/sqrt(2)))/2") == Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2


def test_numbers_are_exact():
    assert parse_formula("0.1*z") == Z / 10
    assert parse_formula("0.3333333333333333") == sp.Rational(3333333333333333, 10**16)


def test_variable_has_the_name_that_was_asked_for():
    assert parse_formula("max(0, x)", "x") == RELU(Z)


def test_no_function_of_sympy_that_differentiates_badly():
    expression = parse_formula("max(z, 1) + abs(z) + sqrt(z**2) + sqrt(z**4) + sign(z)")
    assert not expression.has(sp.Max, sp.Abs, sp.sign, sp.Heaviside)


WRONG_FORMULAS = {
    "__import__('os')": ["column 12", "unexpected character"],
    "z.real": ["column 2", "expected '.T'", ".real"],
    "sgmoid(z)": ["column 1", "did you mean 'sigmoid'"],
    "w + z": ["unknown name 'w'", "variable is 'z'"],
    "max(z)": ["takes 2 arguments, got 1"],
    "tanh(z, z)": ["takes 1 argument, got 2"],
    "(z + 1": ["column 7", "for the '(' in column 1", "end of the text"],
    "z + 1)": ["column 6", "no open parenthesis"],
    "z +": ["expected a number, a name or '('"],
    "": ["empty"],
    "# nothing": ["comment"],
    "2z": ["2*z"],
    "z z": ["expected an operator"],
    "3(z)": ["write * for a product"],
    "exp": ["write exp(z)"],
    "exp(x=z)": ["no argument 'x'"],
    "z = 3": ["leave out"],
    "z; z": ["a second one"],
    "1/0": ["divides by zero"],
    "log(-2)": ["not a real number"],
    "9**9**9": ["too large"],
    "1e999999": ["exponent within 400"],
    "z**(10**9)": ["beyond a million"],
    "9" * 80: ["60 digits"],
    "max(pi, 3)": ["compares two numbers"],
    "where(z, 1, 2)": ["comparison such as z > 0"],
    "where(max(z, 1) > 0, 1, 2)": ["condition cannot hold"],
    "0 < z < 1": ["do not chain"],
    "[z]": ["column 1", "expected one value"],
    "z[0]": ["no entries to pick"],
    "z & 1": ["multiply two conditions"],
    "z.T": ["no transpose"],
    "z @ z": ["write * for a product"],
    "(z, 1)": ["one value"],
    "(" * 1000: ["nested deeper"],
    "z**" * 300 + "z": ["nested deeper"],
    "max(z, " * 35 + "1" + ")" * 35: ["more than 3000 parts"],
    "z+" * 5000 + "z": ["at most 2000 characters"],
    "z" * 30_000: ["characters, got 30000"],
}


@pytest.mark.parametrize("text", WRONG_FORMULAS, ids=lambda text: text[:20])
def test_wrong_formula_is_explained(text):
    with pytest.raises(FormulaError) as raised:
        parse_formula(text)
    for part in WRONG_FORMULAS[text]:
        assert part in str(raised.value)


@pytest.mark.parametrize("value", [None, 3, b"z", ["z"]])
def test_formula_must_be_text(value):
    with pytest.raises(FormulaError, match="a formula is text"):
        parse_formula(value)


@st.composite
def expressions(draw, depth=3):
    """A random formula as text that Python and the parser both read."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["z", "1", "0.5", "2", "pi", "(-z)", "3.25"]))
    left, right = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    shape = draw(st.sampled_from([
        "({} + {})", "({} - {})", "({} * {})", "{} / (2 + ({})**2)", "-{} + {}",
        "tanh({}) - {}", "exp(-({})**2) * {}", "abs({}) + {}", "sqrt(1 + ({})**2) * {}",
        "where(z > 0, {}, {})", "1.0*(z < {}) + {}", "sin({})**2 + {}", "-{}**2 + {}",
    ]))  # fmt: skip
    return shape.format(left, right)


@settings(max_examples=60, deadline=None)
@given(expressions())
def test_random_formulas_mean_what_numpy_means(text):
    z = np.random.default_rng(1).normal(size=7)
    names = {name: getattr(np, name) for name in ("tanh", "exp", "abs", "sqrt", "sin", "where")}
    expected = np.broadcast_to(eval(text, {"__builtins__": {}, **names, "pi": np.pi, "z": z}), 7)
    try:
        formula = parse_formula(text)
    except FormulaError as error:
        assume("compares two numbers" not in str(error))  # refused, and told so
        raise
    np.testing.assert_allclose(value_of(formula, z), expected, 1e-9, 1e-9)


GARBAGE = st.one_of(
    st.text(max_size=40),
    st.text("z01.eE+-*/@^()<>=!,;\n #Tsxpmaxlogt_", max_size=40),
    st.lists(
        st.sampled_from(["z", "exp", "max", "where", "(", ")", ",", "**", "-", "/", "0", "1e9",
                         "log", "sqrt", "<", "==", ".T", "sum", "axis", "=", "@", "m", ";"]),
        max_size=15,
    ).map(" ".join),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(GARBAGE)
@example("\x00")
@example("z**-1e400")
@example("log(0)")
def test_garbage_is_a_formula_or_a_formula_error(text):
    for parse in (parse_formula, lambda t: parse_equations(t, {"z": "m n"})):
        with suppress(FormulaError):
            parse(text)


# --- shapes -------------------------------------------------------------------------------------


def test_shapes():
    assert parse_shape("m 3 1") == (size_symbol("m"), sp.Integer(3), sp.Integer(1))
    assert parse_shape("") == ()
    h, d = size_symbol("h"), size_symbol("d")
    assert parse_shape("m (h d) 2*d") == (size_symbol("m"), h * d, 2 * d)
    assert parse_shape("h+1 h-d 2*h+d-3 (h + 1)") == (h + 1, h - d, 2 * h + d - 3, h + 1)
    assert parse_shape("h>=2 d") == (h, d)
    assert least_sizes("h>=2 d (h d)") == (("h", 2),)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("m, n", 'write "m n"'),
        ("(m, n)", 'write "m n"'),
        ("b (h d", "groups of sizes"),
        ("()", "groups of sizes"),
        ("2*", "groups of sizes"),
        ("h**d", "groups of sizes"),
        ("3*0", "at least 1"),
        ("0 n", "at least 1"),
        ("-1", "neither a name"),
        ("lambda", "neither a name"),
        ("n+", "neither a name"),
        ("n>=0", "at least 1"),
        ("2-2", "at least 1"),
        ("2>=2", "neither a name"),
        ("n>2", "neither a name"),
        ((3, 2), "a shape is text"),
    ],
)
def test_wrong_shape_is_explained(text, part):
    with pytest.raises(ShapeTextError, match="shape") as raised:
        parse_shape(text)
    assert part in str(raised.value)


# --- equations ----------------------------------------------------------------------------------


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


EQUATIONS = [
    ("L = sum((A @ x - b)**2)", {"A": "m n", "x": "n", "b": "m"},
     lambda A, x, b: ((A @ x - b) ** 2).sum()),
    ("z1 = X @ W1 + b1; a1 = sigmoid(z1); z2 = a1 @ W2 + b2\nL = sum((z2 - Y)**2)/2  # half",
     {"X": "m n", "W1": "n h", "b1": "1 h", "W2": "h k", "b2": "k", "Y": "m k"},
     lambda X, W1, b1, W2, b2, Y: ((sigmoid(X @ W1 + b1) @ W2 + b2 - Y) ** 2).sum() / 2),
    ("p = softmax(x)\n-sum(y*log_softmax(x))/m + sum(p**2)", {"x": "m k", "y": "m k"},
     lambda x, y: -(y * np.log(softmax(x))).sum() / 4 + (softmax(x) ** 2).sum()),
    ("softmax(x, axis=0)", {"x": "m k"}, lambda x: softmax(x.T).T),
    ("logsumexp(x, axis=1) + logsumexp(x)", {"x": "m n"},
     lambda x: np.log(np.exp(x).sum(1)) + np.log(np.exp(x).sum())),
    ("sum(x, axis=0, keepdims=True) + mean(x, 1) @ x", {"x": "m n"},
     lambda x: x.sum(0, keepdims=True) + x.mean(1) @ x),
    ("mean(x*y, axis=(0, -1)) + mean(x)", {"x": "m n", "y": "n"},
     lambda x, y: (x * y).mean() + x.mean()),
    ("max(x) + min(x, axis=0) + max(x, axis=1, keepdims=True)", {"x": "m n"},
     lambda x: x.max() + x.min(0) + x.max(1, keepdims=True)),
    ("max(x, y) + minimum(x, 0) + max(0, y) + max(x, min(x*y, 1))", {"x": "m n", "y": "m 1"},
     lambda x, y: np.maximum(x, y) + np.minimum(x, 0) + np.maximum(0, y)
     + np.maximum(x, np.minimum(x * y, 1))),
    ("where(x > y, x*y, 0) + where(x > 0, 1, x) + (x <= 0)*y", {"x": "m n", "y": "n"},
     lambda x, y: np.where(x > y, x * y, 0) + np.where(x > 0, 1, x) + (x <= 0) * y),
    ("c = x > 0; where(c, x, -2*x)", {"x": "m n"}, lambda x: np.where(x > 0, x, -2 * x)),
    ("outer(u, v) + outer(u, v).T.T + transpose(outer(v, u))", {"u": "m", "v": "n"},
     lambda u, v: 3 * np.outer(u, v)),
    ("tr(A @ A.T) + dot(u, u) + matmul(u, A) @ v + norm(v) + trace(outer(u, u))",
     {"A": "m n", "u": "m", "v": "n"},
     lambda A, u, v: np.trace(A @ A.T) + u @ u + u @ A @ v + np.linalg.norm(v) + u @ u),
    ("dot(sum(x), x)/m - n*x + pi", {"x": "m n"}, lambda x: x.sum() * x / 4 - 3 * x + np.pi),
    ("relu(x) + softplus(x) + abs(x)*sign(x) + exp(-x)/sqrt(1 + x^2)", {"x": "m"},
     lambda x: np.maximum(x, 0) + np.logaddexp(0, x) + x + np.exp(-x) / np.sqrt(1 + x**2)),
    ("t1 = x @ x\nt1 * sum(x @ (x @ x))", {"x": "n n"}, lambda x: x @ x * (x @ x @ x).sum()),
    ("y = (x -\n  sum(x)) # continues in parentheses\n", {"x": "m"}, lambda x: x - x.sum()),
    ("sum(3) + max(2) + x", {"x": ""}, lambda x: 5 + x),
    ("x + y", {"x": "2 n", "y": Array("y", (size_symbol("n"),), axes=("j",))},
     lambda x, y: x + y),
]  # fmt: skip


def random_inputs(system: System, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    known = {size_symbol(name): value for name, value in SIZES.items()}
    return {
        array.name: rng.normal(size=[int(size.subs(known)) for size in array.shape])
        for array in system.inputs
    }


@pytest.mark.parametrize(("text", "shapes", "function"), EQUATIONS, ids=[e[0] for e in EQUATIONS])
def test_equations_mean_what_numpy_means(text, shapes, function):
    system = parse_equations(text, shapes)
    values = random_inputs(system)
    output = list(system.equations)[-1].name
    found = evaluate(system, values, SIZES)[output]
    expected = np.asarray(function(**values))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, 1e-12, 1e-12)


def test_names_are_those_of_the_text():
    system = parse_equations("z = X @ W; a = tanh(z); sum(a)", {"X": "m n", "W": "n h"})
    assert [equation.name for equation in system.equations] == ["z", "a", "L"]


WRONG_EQUATIONS = [
    ("y = A @ x", {"A": "m n", "x": "m"}, ["column 7", "(m, n)", "(m)", "did you mean A.T"]),
    ("a = 1\ny = A * x", {"A": "m n", "x": "m"}, ["line 2, column 7", "n against m", "(m, n)"]),
    ("y = A + xx", {"A": "m n"}, ["unknown name 'xx'", 'xx="m n"']),
    ("y = A + B1", {"A": "m n", "B": "m n"}, ["did you mean 'B'"]),
    ("y = summ(A)", {"A": "m n"}, ["unknown function 'summ'", "'sum'"]),
    ("y = sum(A, axis=2)", {"A": "m n"}, ["no axis 2", "(m, n)"]),
    ("y = sum(A, axis=m)", {"A": "m n"}, ["expected an axis: a number"]),
    ("y = sum(A, axis=(0, 0))", {"A": "m n"}, ["given twice"]),
    ("y = sum(A, axes=0)", {"A": "m n"}, ["no argument 'axes'", "keepdims"]),
    ("y = sum(A, keepdims=1)", {"A": "m n"}, ["True or False"]),
    ("y = sum()", {"A": "m n"}, ["1 or 2 arguments, got 0"]),
    ("A = 3", {"A": "m n"}, ["an input", "A_new"]),
    ("y = 1; y = 2", {"A": "m n"}, ["assigned already"]),
    ("m = 1", {"A": "m n"}, ["is a size"]),
    ("y = z; z = A", {"A": "m n"}, ["before line 1 assigns it"]),
    ("A + 1; y = A", {"A": "m n"}, ["only the last line"]),
    ("L = 1; A + L", {"A": "m n"}, ["'L'", "assigned already"]),
    ("y = outer(A, A)", {"A": "m n"}, ["two vectors"]),
    ("y = tr(A)", {"A": "m n"}, ["square matrix"]),
    ("y = softmax(sum(A))", {"A": "m n"}, ["a scalar"]),
    ("y = A.shape", {"A": "m n"}, ["expected '.T'"]),
    ("y = A[2]", {"A": "m n"}, ["column 6", "needs m >= 3", '"m>=3"']),
    ("y = A[0, 0, 0]", {"A": "m n"}, ["3 subscripts for A"]),
    ("y = A[1:m+1]", {"A": "m n"}, ["column 6", "m + 1 <= m"]),
    ("y = A[A]", {"A": "m n"}, ["column 6", "only integers"]),
    ("y = A[]", {"A": "m n"}, ["a range such as [1:n]"]),
    ("y = A[0", {"A": "m n"}, ["expected ']'"]),
    ("y = A / (1 - 1)", {"A": "m n"}, ["divides by zero"]),
    ("y.T = A", {"A": "m n"}, ["only a name, or a name with one subscript"]),
    ("y = A", {"A": "m, n"}, ["input A", 'write "m n"']),
    ("y = A", {"A": "m n", "m": ""}, ["an input and a size"]),
    ("y = A", {"_x0": "m n"}, ["needs a name"]),
    ("# none", {}, ["only comments"]),
    ("", {}, ["empty"]),
    ("y = exp(A, A)", {"A": "m"}, ["takes 1 argument, got 2"]),
    ("y = dot(A)", {"A": "m"}, ["takes 2 arguments, got 1"]),
]


@pytest.mark.parametrize(("text", "shapes", "parts"), WRONG_EQUATIONS)
def test_wrong_equations_are_explained(text, shapes, parts):
    with pytest.raises(FormulaError) as raised:
        parse_equations(text, shapes)
    for part in parts:
        assert part in str(raised.value)


def test_a_message_points_at_its_column():
    with pytest.raises(FormulaError) as raised:
        parse_equations("a = x\nb = a + q", {"x": "n"})
    assert str(raised.value).endswith("\n  b = a + q\n          ^")


def test_formula_errors_are_value_errors():
    assert issubclass(FormulaError, ValueError)
    assert not issubclass(FormulaError, EquationError)


@pytest.mark.parametrize(("text", "expected"), [
    ("t = sum(x)\nL = t + 0*sum(w)", 6.0), ("L = sum(x) + 0*sum(w)", 6.0),
    ("L = x[0] + 0*sum(w)", 1.0), ("L = 0*sum(w) + x[0]", 1.0), ("L = sum(x*w) + 0*w[0]", 60.0),
    ("L = sum(w)*0 + 2", 2.0), ("L = sum(x[0] + 0*w)", 3.0), ("L = sum(x) - 0*sum(w)", 6.0),
    ("t = x*1 + 0*w\nL = sum(t)", 6.0), ("t = sum(x)\nu = t + 0*w\nL = sum(u)", 18.0),
    ("L = sum(x)/1 + sum(w)*(1-1)", 6.0),
])
def test_what_is_multiplied_by_zero_is_not_the_value(text, expected):
    system = parse_equations(text, {"x": "3", "w": "3"})
    values = {"x": np.array([1.0, 2.0, 3.0]), "w": np.full(3, 10.0)}
    assert float(evaluate(system, values)["L"]) == expected
