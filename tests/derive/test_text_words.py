"""Losses in NumPy's words: as a text and traced, beside what NumPy computes and its differences."""

from __future__ import annotations

import numpy as np
import pytest
from sayings import SAYINGS, Saying, numbers, slopes

import gradproof as gp


def holds(saying: Saying, system: object) -> None:
    """The loss is NumPy's, and its gradients are the differences of NumPy's."""
    arrays = numbers(saying)
    wrt = [name for name, array in arrays.items() if array.dtype == float]
    derived = gp.derive(system, wrt)
    loss, gradients = derived.compile()(**arrays)
    np.testing.assert_allclose(loss, saying.meant(**arrays), 1e-9, 1e-11)
    for name in wrt:
        np.testing.assert_allclose(gradients[name], slopes(saying, arrays, name), 1e-5, 1e-7)


@pytest.mark.parametrize("name", SAYINGS)
def test_a_text_means_what_numpy_means(name):
    saying = SAYINGS[name]
    holds(saying, gp.equations(saying.text, **saying.shapes))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, saying in SAYINGS.items() if saying.traced])
def test_a_trace_means_what_numpy_means(name):
    saying = SAYINGS[name]
    holds(saying, gp.trace(saying.meant, **saying.shapes).system)


WRONG = {
    "L = sum(x[2:])": ["column 10", "needs n >= 2", '"n>=2"'],
    "L = x[3]": ["needs n >= 4", '"n>=4"'],
    "L = sum(x[n:n+1])": ["would need", "n + 1 <= n"],
    "L = sum(one_hot(x))": ["takes an array of integers", "kind=\"labels\""],
    "L = sum(roll(x))": ["missing", "shift"],
    "L = sum(sort(x))": ["an order of values has no equation"],
    "L = slogdet(outer(x, x))": ["gives 2 values", "slogdet(...)[0]"],
    "L = slogdet(outer(x, x))[2]": ["there are 2"],
    "L = sum(fill_diagonal(x, 0))": ["unknown function"],
    "L = x.shape": ["column 6", "got .shape"],
    "L = sum(eval(x))": ["unknown function 'eval'"],
    "L = sum(x[x])": ["only integers"],
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_equation_for_all_sizes_is_said_with_its_place(text):
    with pytest.raises(ValueError, match="column") as raised:
        gp.equations(text, x="n")
    for part in WRONG[text]:
        assert part in str(raised.value)


def test_what_nothing_reads_is_left_out():
    system = gp.equations("L = sum(Z[arange(m), y])", Z="m k",
                          y=gp.Array("m", kind="labels", classes="k"))
    assert [str(equation) for equation in system.equations] == [
        "t2[i<m] = Z[i, y[i]]", "L[] = Σ_i<m t2[i]"]


def test_cross_entropy_of_labels_is_a_difference_of_log_softmax():
    z = np.array([[800.0, 0.0, -800.0]])
    y = np.array([1])
    derived = gp.derive(gp.equations("L = -mean(log_softmax(Z)[arange(m), y])", Z="m k",
                                     y=gp.Array("m", kind="labels", classes="k")), ["Z"])
    loss, gradients = derived.compile()(Z=z, y=y)
    assert loss == 800
    np.testing.assert_allclose(gradients["Z"], [[1, -1, 0]])
