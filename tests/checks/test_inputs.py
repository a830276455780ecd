"""What a compiled function does with the arrays it is given: types, labels, memory, maxima in
recurrences."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate

RECURRENT_MAXIMA = [
    ("h[-1]=s\nh[t]=max(A+h[t-1],axis=1)+e[t]\nL=sum(h[T-1]*s)",
     {"s": "k", "A": "k k", "e": "T k"}),
    ("h[-1]=s\nh[t]=min(A*h[t-1],axis=0)+e[t]\nL=sum(h[T-1]**2)",
     {"s": "k", "A": "k k", "e": "T k"}),
    ("h[-1]=s\nh[t]=h[t-1]*max(e[t])\nL=sum(h[T-1])", {"s": "k", "e": "T k"}),
]


@pytest.mark.parametrize(("text", "shapes"), RECURRENT_MAXIMA)
def test_a_maximum_in_a_recurrence_keeps_its_place_for_every_step(
    text: str, shapes: dict[str, str]
) -> None:
    rng = np.random.default_rng(5)
    derivation = gp.derive(gp.equations(text, **shapes))
    sizes = {"k": 3, "T": 4}
    values = {n: rng.normal(size=[sizes[s] for s in shape.split()]) for n, shape in shapes.items()}
    loss, gradients = derivation.compile()(**values)
    everything = evaluate(derivation.system, values)
    assert loss == pytest.approx(everything["L"])
    value = derivation.loss_function()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, everything[derivation.gradients[name].array])
        step = 1e-6 * rng.normal(size=gradient.shape)
        ahead, behind = (value(**{**values, name: values[name] + s}) for s in (step, -step))
        assert (ahead - behind) / 2 == pytest.approx(np.sum(gradient * step), rel=1e-5)


SQUARES = gp.derive(gp.equations("L = sum(x**2)", x="n")).compile()
NUMBERS = gp.Array("n", kind="integer")
PICKED = gp.derive(gp.equations("L = sum(E[s]*C)", E="v d", C="n d", s=NUMBERS))


@pytest.mark.parametrize(("given", "expected"), [
    (np.array([10, 200], np.uint8), np.float64), (np.array([True, False]), np.float64),
    ([3, -4], np.float64), (np.array([1, 2], np.int64), np.float64),
    (np.array([1, 2], np.float32), np.float32), (np.array([1, 2], np.float16), np.float16),
    (np.array([1, 2j]), np.complex128),
])
def test_real_inputs_are_floats_whatever_they_came_as(given: object, expected: type) -> None:
    loss, gradients = SQUARES(x=given)
    exact = np.asarray(given).astype(expected)
    assert loss == np.sum(exact**2)
    np.testing.assert_array_equal(gradients["x"], 2 * exact)
    assert np.asarray(loss).dtype == gradients["x"].dtype == expected


def test_a_boolean_mask_leaves_single_precision_single() -> None:
    run = gp.derive(gp.equations("L = sum(x**2*m)", x="n", m=gp.Array("n", kind="mask"))).compile()
    loss, gradients = run(x=np.array([1, 2], np.float32), m=np.array([True, False]))
    assert loss == 1
    assert gradients["x"].dtype == np.float32


def test_an_array_of_text_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"x: expected an array of numbers"):
        SQUARES(x=np.array(["1", "2"]))


@pytest.mark.parametrize("labels", [
    np.array([0, 2, 2]), np.array([0, 2, 2], np.uint8), np.array([0.0, 2.0, 2.0]), [0, 2, 2],
])
def test_labels_of_any_type_pick_the_same_rows(labels: object) -> None:
    table, weights = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2) - 2
    loss, gradients = PICKED.compile()(E=table, C=weights, s=labels)
    assert loss == np.sum(table[[0, 2, 2]] * weights)
    np.testing.assert_array_equal(gradients["E"], [weights[0], [0, 0], weights[1] + weights[2]])


def test_true_and_false_are_the_labels_one_and_zero() -> None:
    table = np.arange(6.0).reshape(3, 2)
    _, gradients = PICKED.compile()(E=table, C=table, s=np.array([True, False, True]))
    np.testing.assert_array_equal(gradients["C"], table[[1, 0, 1]])


@pytest.mark.parametrize(("labels", "message"), [
    ([0, 3, 1], r"s\[1\]: expected an integer from 0 to 2 \(below v = 3\), got 3"),
    ([0, 1, -1], r"s\[2\]: expected an integer from 0 to 2 .*, got -1"),
    ([0, 0.5, 1], r"s\[1\]: expected an integer, got 0.5"),
    ([0, np.nan, 1], r"s\[1\]: expected an integer, got nan"),
])
def test_labels_outside_their_range_are_refused(labels: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PICKED.compile()(E=np.ones((3, 2)), C=np.ones((3, 2)), s=np.array(labels))


def test_labels_are_held_to_the_declared_number_of_classes() -> None:
    labels = gp.Array("n", kind="labels 3")
    run = gp.derive(gp.equations("L = sum(x[y])", x="5", y=labels)).compile()
    assert run(x=np.arange(5.0), y=np.array([2, 0]))[0] == 2
    with pytest.raises(ValueError, match=r"y\[0\]: expected an integer from 0 to 2 \(below 3\)"):
        run(x=np.arange(5.0), y=np.array([4, 0]))


@pytest.mark.parametrize("text", ["L = sum(a*b)", "L = sum(a*b) + sum(c*b)", "L = sum((a + c)*b)",
                                  "L = sum(a.T*c.T)", "L = sum(a + b + c)"])
@pytest.mark.parametrize("printed", [False, True])
def test_no_gradient_shares_memory_with_another_array(text: str, printed: bool) -> None:
    given = {name: np.arange(4.0).reshape(2, 2) + k for k, name in enumerate("abc") if name in text}
    derivation = gp.derive(gp.equations(text, **dict.fromkeys(given, "n n")))
    if printed:
        namespace: dict[str, object] = {}
        exec(derivation.numpy_source(), namespace)
        run = namespace["gradient"]
    else:
        run = derivation.compile()
    _, gradients = run(**given)  # type: ignore[operator]
    arrays = [*given.values(), *gradients.values()]
    for place, one in enumerate(arrays):
        assert one.flags.writeable
        assert not any(np.shares_memory(one, other) for other in arrays[:place])


@pytest.mark.parametrize("name", ["np", "range", "reversed", "sigmoid"])
def test_an_array_may_be_called_as_what_the_code_uses(name):
    """The code does not take it for that: where it would, it calls the array by another name."""
    text = "h[-1] = zeros(n); h[t] = sigmoid({0}[t] + h[t-1] @ U); L = sum(h)"
    values = {"x": np.ones((3, 2)), "U": np.eye(2) / 2}
    plain = gp.derive(gp.equations(text.format("x"), x="T n", U="n n"))
    called = gp.derive(gp.equations(text.format(name), **{name: "T n", "U": "n n"}))
    expected = plain.compile()(**values)
    found = called.compile()(**{name: values["x"], "U": values["U"]})
    assert found[0] == pytest.approx(expected[0])
    np.testing.assert_allclose(found[1]["U"], expected[1]["U"])
    namespace: dict[str, object] = {}
    exec(called.numpy_source(), namespace)
    given = {"x": values["x"], "U": values["U"]}
    inputs = [given.get(array.name, values["x"]) for array in called.system.inputs]
    loss, gradients = namespace["gradient"](*inputs)  # type: ignore[operator]
    assert loss == pytest.approx(expected[0])
    np.testing.assert_allclose(gradients[name], expected[1]["x"])


@pytest.mark.parametrize(("given", "verdict", "note"), [
    ({}, "proved", "scale = 1.0, power = 2 throughout, as by default"),
    ({"power": 2}, "agrees", "scale is 1.0 throughout, as by default"),
    ({"scale": "", "power": 2}, "refuted", ""),
])
def test_what_functions_have_by_default_is_said(given, verdict, note):
    def loss(x, w, scale=1.0, power=2):
        return scale*np.sum((x @ w)**power)

    def gradient(x, w, scale=1.0, power=2):
        return 2*x.T @ (x @ w)

    result = gp.check(loss, gradient, x="m n", w="n", wrt=["w"], repair_seconds=0, **given)
    assert result.verdict == verdict, str(result)
    assert [said for said in result["w"].notes if "by default" in said] == [note]*bool(note)


def test_what_a_layer_has_by_default_is_said():
    class Scale:
        def __init__(self, factor=1.0):
            self.factor = factor

        def forward(self, x, training=True):
            return x*self.factor

        def backward(self, dout):
            return dout

    result = gp.check_layer(Scale, x="m n", repair_seconds=0)
    assert result["x"].notes == ("factor = 1.0, training = True throughout, as by default",)
    assert gp.check_layer(Scale, x="m n", factor=2.0, repair_seconds=0).verdict == "refuted"


UNIT = 1.0


class Scaled:
    scale, factor = 1.0, 3.0

    def __init__(self):
        self.shift = 0

    def forward(self, x, W):
        self.x, self.W = x, W
        return self.scale * UNIT * (x @ W) + self.shift * self.factor

    def backward(self, g):
        return g @ self.W.T, self.x.T @ g


def test_numbers_that_hide_a_missing_factor_are_said():
    """The backward pass of Scaled is right for these alone."""
    found = gp.check_layer(Scaled(), x="m n", W="n k")
    assert found["W"].verdict == "proved"
    assert {*found["W"].notes} == {"scale is 1.0 throughout", "shift is 0 throughout",
                                   "UNIT is 1.0 throughout"}

    beta = -1.0
    result = gp.check(lambda x: beta * np.sum(x**2), lambda x: {"x": -2 * x}, x="n")
    assert result["x"].notes == ("beta is -1.0 throughout",)
