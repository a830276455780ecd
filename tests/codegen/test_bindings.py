"""Texts in which a name stands for one thing after another, which fitted texts keep apart."""

import ast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.lean.fitted import fitted
from gradproof.codegen.lean.flat import flat

pytestmark = pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")

X = np.arange(1, 10.0).reshape(3, 3) / 9

BOUND_ANEW = {
    "an array, then a size": (
        "n = np.sum(x, axis=0)", "y = x / n", "n = x.shape[0]", "z = y / n", "return y, z, "),
    "a size, then an array": (
        "n = x.shape[0]", "y = x * n", "n = np.tanh(y)", "z = n @ x", "return y, n, z, "),
    "two sizes": (
        "n = x.shape[0]", "y = x * n", "n = x.shape[1] + 1", "z = y + n", "return y, z, "),
    "a number of another, which is an array later": (
        "n = x.shape[0]", "k = n + 1", "n = np.exp(x)", "y = n * k", "return y, "),
    "an argument, then a number": ("y = np.exp(x)", "x = 2", "z = y * x", "return y, z, "),
    "a number, then a counter": (
        "t = 3", "y = x * t", "for t in range(2):", "    y[t] += t", "z = y * t", "return z, "),
    "an array, then a counter": (
        "t = np.exp(x)", "y = t * 2", "for t in range(2):", "    y[t] += t", "return y, "),
    "a counter, then an array": (
        "y = x * 2", "for t in range(2):", "    y[t] += t", "t = np.exp(y)", "z = t * 2",
        "return y, t, z, "),
    "0, to which a loop adds": (
        "L = 0", "for t in range(3):", "    L = L + np.sum(x[t])", "y = L * x", "return L, y, "),
    "0, to which a loop adds in place": (
        "L = 0", "for t in range(3):", "    L += np.sum(x[t])", "y = L * x", "return L, y, "),
    "a number that a loop counts": (
        "k = 0", "for t in range(3):", "    k += t", "y = x * k", "return y, "),
    "another number on a condition": (
        "k = 2", "y = x * k", "if x.shape[0] > 2:", "    k = 3", "z = x * k", "return y, z, "),
    "an array on a condition": (
        "k = 2", "if x.shape[0] > 2:", "    k = np.exp(x)", "y = x * k", "return y, "),
    "numbers and arrays in turn": (
        "k = 2", "y = x * k", "k = np.exp(x)", "z = k * y", "k = 5", "w = z * k",
        "k = np.tanh(w)", "return y, z, w, k, "),
    "in every step of a loop": (
        "y = x * 1", "for t in range(3):", "    k = t", "    y[t] *= k", "    k = np.exp(y[t])",
        "    y[t] += k", "return y, "),
    "from one step of a loop to the next": (
        "y = x * 1", "k = 1", "for t in range(3):", "    y[t] *= k", "    k = np.exp(y[t])",
        "return y, k, "),
    "an array, or the counter of a loop": (
        "a = x * 3", "y = x * 1", "for a in range(2):", "    y = np.cos(y + a)", "z = y * a",
        "w = z + x", "return y, w, "),
    "a counter that is read behind a loop": (
        "y = x * 2", "for t in range(3):", "    k = x * 2", "z = y * t + k", "return z, "),
    "several at once": (
        "m, n = x.shape[0], x.shape[1]", "y = x * m", "m = np.exp(y)", "z = m * n",
        "return y, z, "),
    "results that have no names": ("n = x.shape[0] + 1", "y = x * n", "return n, n + 1, y + x, "),
}


def source(lines, arguments="x"):
    return f"import numpy as np\n\n\ndef run({arguments}):\n" + "".join(
        f"    {line}\n" for line in lines)


def assert_runs_as_it_stands(text, *arrays):
    space = {}
    exec(text, space)
    due = space["run"](*[one.copy() for one in arrays])
    for workspace in (False, True):
        run = fitted(text, arrays, workspace=workspace)
        for _ in range(2):
            for found, one in zip(run(*arrays), due, strict=True):
                assert np.shape(found) == np.shape(one)
                np.testing.assert_allclose(found, one, rtol=1e-12)


@pytest.mark.parametrize("name", BOUND_ANEW)
def test_a_name_that_is_bound_anew_is_what_it_is_at_each_place(name):
    assert_runs_as_it_stands(source(BOUND_ANEW[name]), X)


@pytest.mark.parametrize("name", BOUND_ANEW)
def test_no_name_of_a_number_that_stays_is_bound_twice(name):
    made = flat(source(BOUND_ANEW[name]))
    bound = [target.id for node in made.body for part in ast.walk(node)
             if isinstance(part, ast.Assign) for target in part.targets
             if isinstance(target, ast.Name)]
    fixed = [one for one in [*bound, *made.arguments] if one in made.plain - made.loose]
    assert len({*fixed}) == len(fixed)


VALUES = st.sampled_from([
    "2", "3", "x.shape[0]", "x.shape[1] + 1", "x * 2", "np.tanh(x)", "np.sum(x, axis=0)",
    "a", "b", "c", "a + b", "b * c"])


@st.composite
def programs(draw):
    """Statements that bind three names to numbers and arrays in any order, in loops and on
    conditions; y, which reads them, is what is returned."""
    def block(depth):
        lines = []
        for _ in range(draw(st.integers(1, 3))):
            name = draw(st.sampled_from("abc"))
            head = draw(st.sampled_from(["", "", "for", "if"])) if depth < 2 else ""
            if not head:
                lines.append(f"{name} = {draw(VALUES)}")
            elif head == "if":
                lines += [f"if x.shape[0] > {draw(st.integers(2, 3))}:",
                          *(f"    {line}" for line in block(depth + 1))]
            else:
                lines += [f"for {name} in range(2):",
                          *(f"    {line}" for line in block(depth + 1))]
            lines.append(f"y = np.cos(y + {draw(st.sampled_from('abc'))})")
        return lines

    begin = ["y = x * 1", *(f"{name} = {draw(st.sampled_from(['x * 3', '4', 'x.shape[0]']))}"
                            for name in "abc")]
    return [*begin, *block(0), "y = y + a * b - c", "return y, "]


@pytest.mark.slow
@settings(max_examples=20)
@given(programs())
def test_programs_that_bind_numbers_and_arrays_in_any_order(lines):
    assert_runs_as_it_stands(source(lines), X)
