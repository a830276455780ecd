"""What comes from outside is bounded in size, and a number that is not there is not printed."""

import time
from fractions import Fraction

import numpy as np
import pytest

import gradproof as gp
from gradproof.embedding.documents import embed
from gradproof.reporting import report
from gradproof.symbolic.limits import LimitError, number


def asked(tmp_path, *markers):
    """The messages about markers, each a line of a page."""
    page = tmp_path / "page.md"
    page.write_text("".join(f"x <!-- gradproof {m} --><!-- /gradproof -->\n" for m in markers))
    (document,) = embed([page], cache=False)
    return [problem.message for problem in document.problems]


@pytest.mark.parametrize(("quantity", "part"), [
    ("1/(L-L) = .3f", "'1 / (L - L)' divides by 0"), ("log(-L) = .3f", "'log(-L)' is infinite or"),
    ("log(L-L) = .3f", "'log(L - L)' is infinite"), ("log(relu(-L)) = .3f", "'log(relu(-L))'"),
    ("(L-L)**-1 = .3f", "divides by 0"), ("exp(log(-L)) = .3f", "'log(-L)' is"),
    ("0*log(-L) = .3f", "'log(-L)' is"), ("relu(-L)/relu(-L) = .3f", "divides by 0"),
    ("L/0 = ", "divides by 0"), ("0**(-1) = ", "divides by 0"), ("log(0) =", "infinite"),
    ("log(0 - 1) =", "'log(0 - 1)' is infinite or undefined"),
    ("1e000000999999999 = .3f", "an exponent within 400"), ("1e999*L = .3f", "within 400"),
    ("exp(999999999) = .3f", "beyond 1200"), ("exp(exp(exp(9))) = .3f", "beyond 1200"),
    ("(((9**99)**99)**99)**99 = .3f", "more than 4000 bits"), (f"{'9' * 70} = .3f", "60 digits"),
    ("+".join(["L"] * 3000) + " = .3f", "at most 1000 characters"),
    ("+".join(["1"] * 300) + " = .3f", "at most 200 names"),
    ("(" * 300 + "L" + ")" * 300 + " = .3f", "is no quantity"),
    ("exp(999)*exp(999) = .3f", "larger than 1e400"), ("1j = .3f", "neither a quantity"),
])
def test_a_quantity_has_a_value_and_a_size(tmp_path, quantity, part):
    start = time.perf_counter()
    (message,) = asked(tmp_path, f"2-2-1 {quantity}")
    assert part in message
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["L = sum(softmax(A/A)*A)", "L = sum(softmax(A/A))",
                                  "L = sum(softmax(A) / softmax(A))",
                                  "L = sum(log_softmax(sum(A, axis=1, keepdims=True)))",
                                  "L = sum(minimum(3, A)) + 10**40",
                                  "L = sum(A)*18446744073709551616"])
def test_what_simplifies_away_or_is_large_prints_and_runs(text):
    derivation = gp.derive(gp.equations(text, A="m n"))
    assert str(derivation)
    assert derivation._repr_markdown_()
    value, gradients = derivation.compile()(A=np.ones((2, 3)))
    assert np.isfinite(value)
    if "softmax" in text and "*A" not in text:
        assert np.isclose(value, {"L = sum(softmax(A/A))": 2, "L = sum(softmax(A) / softmax(A))":
                                  6}.get(text, 0))
        assert not gradients["A"].any()
    assert gradients["A"].shape == (2, 3)
    assert gradients["A"].dtype == float


def test_a_unit_that_is_closed_by_far_is_reported(tmp_path):
    (tmp_path / "closed.toml").write_text(
        '[network]\nsizes = [1, 1]\nbatch = false\noutput = "sigmoid"\n'
        "[values]\nX = [1]\nY = [0]\nW1 = [[-1e10]]\nb1 = [0]\n")
    start = time.process_time()
    report(gp.load(tmp_path / "closed.toml"), tmp_path / "r")
    assert time.process_time() - start < 10


def test_an_undefined_number_holds_nothing(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("x <!-- gradproof verify 2-2-1 log(-L) -->0.0<!-- /gradproof -->\n")
    (document,) = embed([page], cache=False)
    assert [problem.kind for problem in document.problems] == ["error"]
    assert "undefined" in document.problems[0].message


def test_a_dead_unit_has_no_logarithm(tmp_path):
    (tmp_path / "dead.toml").write_text(
        '[network]\nsizes = [1, 1]\nbatch = false\nactivation = "relu"\noutput = "relu"\n'
        "[values]\nX = [1]\nY = [0]\nW1 = [[-2]]\nb1 = [0]\n")
    assert asked(tmp_path, "dead A1[1] = .1f", "dead exp(A1[1]) = .1f") == []
    (message,) = asked(tmp_path, "dead log(A1[1]) = .3f")
    assert "infinite or undefined" in message


def test_numbers_are_read_exactly_and_within_limits():
    assert number("0.1") == Fraction(1, 10)
    assert number("1e0000400") == 10**400
    for text in ("1e401", "1e-999999999", "9" * 61, 10**500):
        with pytest.raises(LimitError):
            number(text)
    for text in ("nan", "inf", "1e", "x", "", ".", True, None):
        with pytest.raises(ValueError, match="expected"):
            number(text)
    with pytest.raises(ValueError, match="exponent within 400"):
        gp.equations("L = sum(x)*1e000000999999999", x="n")
