"""Fitted texts with views: what is computed of a view and of the array is computed once, what is
stored into a diagonal goes through a view of it, and nothing is copied that nobody else reads."""

import re

import numpy as np
import pytest

from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.lean.fitted import fitted, spelled

pytestmark = pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")


def text_of(lines, arguments="x"):
    return f"import numpy as np\n\n\ndef run({arguments}):\n" + "".join(
        f"    {line}\n" for line in lines)


def agrees(text, given, workspace=False):
    """The lines that are run, which give what the text as it stands does."""
    space = {}
    exec(text, space)
    due = space["run"](*(one.copy() for one in given))
    run = fitted(text, given, workspace=workspace)
    for _ in range(2):
        for found, one in zip(run(*given), due, strict=True):
            np.testing.assert_allclose(found, one, rtol=1e-14)
    return spelled(text, given, workspace=workspace).text


SQUARE = np.arange(1, 13.0).reshape(3, 4) / 7


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize(("lines", "count"), [
    (("t = x.T", "s = 1 - t**2", "u = (1 - x**2) @ s", "return u, "), 1),
    (("t = 1 - x.T[:, :, None]**2", "u = 1 - x**2", "v = t[:, :, 0] @ u", "return v, t, "), 1),
    (("t = x.transpose(1, 0)", "y = np.square(t) * t", "z = np.square(x) * x", "return y, z, "), 1),
    (("t = x.swapaxes(0, 1)[None]", "y = np.square(t)", "z = np.square(x)", "return y, z, "), 1),
    (("k = 2 * np.sum(x)", "y = np.square(x.T / k)", "z = np.square(x / k)", "return y, z, "), 1),
    (("y = np.square(x[None, :]) + np.square(x[:, None])", "return y, "), 1),
    (("s = x[:, None, :] * x[None, :, :]", "y = np.square(x.T) @ np.square(s)", "return y, "), 2),
    (("y = x * 1", "t = y.T", "s = np.square(t)", "y[0] = 2", "u = np.square(y)",
      "return s, u, "), 2),  # changed between the two
    (("y = x * 1", "for k in range(3):", "    t = y[k][:, None]", "    y[k] += np.square(t)[:, 0]",
      "return y, np.square(y.T), np.square(y), "), 3),
])
def test_what_is_computed_of_a_view_is_computed_once(lines, count, workspace):
    made = agrees(text_of(lines), [SQUARE], workspace)
    assert len(re.findall(r"square_*\(", made)) == count, made


def test_operations_on_views_of_different_kinds_are_left():
    """(a b)ᵀ is aᵀ bᵀ, entry by entry, of matrices, not of a matrix and a vector."""
    lines = ("s = x.T * y.T", "t = x.T * x.T[::-1]", "u = x * y[:, None]",
             "v = x[None] * x[:, None]", "w = np.maximum(x.T, x.T) - x.T", "return s, t, u, v, w, ")
    agrees(text_of(lines, "x, y"), [SQUARE, SQUARE[:, 0].copy()])
    agrees(text_of(lines, "x, y"), [SQUARE.T.copy().T, np.arange(3.0)])


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize(("shape", "at", "of"), [
    ((2, 3, 2, 3), ":, j, :, j", (3, 2, 2)), ((3, 2, 3), "j, :, j", (3, 2)),
    ((2, 3, 3), ":, j, j", (2, 3)), ((3, 3, 2), "j, j", (3, 2)), ((3, 3), "j, j", (3,)),
    ((2, 3, 3, 4), ":, j, j, :", (2, 3, 4)), ((3, 2, 4, 3), "j, :, :, j", (3, 2, 4)),
    ((2, 4, 2, 4), ":, j, :, j", (3, 2, 2)),  # not all rows
    ((3, 4, 3), "j, :, j[::-1]", (3, 4)),
])
@pytest.mark.parametrize("sign", ["=", "+=", "*="])
def test_a_diagonal_is_stored_into_as_numpy_does(shape, at, of, sign, workspace):
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    y = np.random.default_rng(0).normal(size=of)
    lines = ("H = x * 2", "j = np.arange(3)", f"H[{at}] {sign} y", "return H, np.sum(H), ")
    made = agrees(text_of(lines, "x, y"), [x, y], workspace)
    assert ("diagonal" in made) == (4 not in shape[:2] and "::" not in at)
    turned = x.transpose(*range(x.ndim)[::-1]).copy().transpose(*range(x.ndim)[::-1])
    agrees(text_of(lines, "x, y"), [turned, y])
    agrees(text_of(("H = x * 2", "j = np.arange(3)", f"H[{at}] {sign} 3", "return H, "), "x"), [x])


def test_a_diagonal_with_values_of_the_same_array():
    lines = ("H = x * 2", "j = np.arange(3)", "H[j, j] += H[:, 0]", "H[j, j] *= H[0, ::-1]",
             "return H, ")
    agrees(text_of(lines), [SQUARE[:, :3].copy()])


def test_numbers_of_rows_that_are_changed_or_returned_are_made_anew():
    lines = ("j = np.arange(3)", "i = np.arange(3)", "i[0] = 2", "y = x[i] + x[j]",
             "y[i, i] += 1", "return y, j, ")
    agrees(text_of(lines), [SQUARE])
    run = fitted(text_of(lines), [SQUARE])
    run(SQUARE)[1][0] = 5
    assert run(SQUARE)[1][0] == 0


@pytest.mark.parametrize(("lines", "copies"), [
    (("y = np.tanh(x)", "t = np.reshape(y, (4, 3))", "z = t.copy()", "z[0] = 1", "return z, "), 0),
    (("y = np.tanh(x)", "t = np.reshape(y, (4, 3))", "y = t.copy()", "return y, "), 0),
    (("y = np.tanh(x)", "t = y.T", "z = t.copy()", "z[0] = 1", "return z, y, "), 1),
    (("y = np.tanh(x)", "t = y.T", "z = t.copy()", "z[0] = 1", "w = z + y.T", "return z, w, "), 1),
    (("t = x.T", "z = t.copy()", "z[0] = 1", "return z, "), 1),  # an argument
    (("t = np.broadcast_to(np.tanh(x), (2, 3, 4))", "z = t.copy()", "z[0] = 1", "return z, "), 1),
    (("y = np.tanh(x)", "for k in range(2):", "    z = y.copy()", "    z[k] = 1", "return z, "), 1),
])
def test_a_copy_is_made_where_the_memory_is_read(lines, copies):
    assert agrees(text_of(lines), [SQUARE]).count("copy()") == copies
