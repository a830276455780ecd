"""Files of claims, documents and the command: verdicts, places, formats, exit codes, bad input."""

import json

import pytest

import gradproof as gp
from gradproof.claims.documents import formulas_of
from gradproof.claims.files import ClaimsError
from gradproof.cli import main

CLAIMS = r"""
title = "A text"
text = "notes.md"

[specs.net]
network = { sizes = [2, 2, 1], output = "sigmoid", loss = "mean_squared_error", batch = 4 }

[specs.car]
equations = "T = p * q * (1 + r)"
shapes = { p = "", q = "", r = "" }
values = { p = 20, q = 2, r = "0.1" }

[[claims]]
formula = "dZ^{(2)} = -(Y - A^{(2)}) \\odot \\sigma'(Z^{(2)})"
find = "the loss"
where = "backward"

[[claims]]
formula = "dW^{(2)} = A^{(1)} dZ^{(2)}"

[[claims]]
formula = "dW^{(1)} = X^\\top dZ^{(1)}"

[[claims]]
spec = "car"
of = "\\frac{\\partial T}{\\partial p}"
number = "2.2"

[[claims]]
spec = "car"
of = "\\frac{\\partial T}{\\partial r}"
number = "44"

[[claims]]
of = "dW^{(1)}"
shape = "(2, 2)"

[[claims]]
of = "Z^{(2)}"
shape = "(1, 4)"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / "notes.md").write_text("one\ntwo: the loss\n", encoding="utf-8")
    return tmp_path


def test_a_file_of_claims(folder):
    audit = gp.audit(folder / "claims.toml")
    assert [finding.verdict for finding in audit] == [
        "wrong", "wrong", "right", "right", "wrong", "right", "wrong"]
    first, second, *_, slope, _, shape = audit
    assert "half_squared_error" in " ".join(first.diagnosis)
    assert first.where == "backward, line 2"
    assert "A^{(1)}^\\top" in second.diagnosis[0] or "(A^{(1)})^\\top" in second.diagnosis[0]
    assert slope.exact.startswith("40")
    assert shape.why == "its shape is (4, 1)"
    assert audit.counts == {"right": 3, "wrong": 4}


@pytest.mark.slow
def test_formats(folder, capsys):
    assert main(["audit", str(folder / "claims.toml"), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["verdict"] == "wrong"
    assert len(data["claims"]) == 7
    for form, sign in (("text", "7 claims: 3 right, 4 wrong"), ("markdown", "| 7 |"),
                       ("html", "wrong</td>")):
        assert main(["audit", str(folder / "claims.toml"), "--format", form]) == 1
        assert sign in capsys.readouterr().out


DOCUMENT = r"""# Notes

The rule is $\delta^{(2)} = (o - t) \odot o (1 - o)$ and `$not math$`.

```
$$ code = 1 $$
```

$$
\begin{aligned}
h_1 &\approx 0.594 \\
o &\approx 0.762
\end{aligned}
$$
"""


def test_a_document_is_read_as_it_is(tmp_path, capsys):
    path = tmp_path / "notes.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    audit = gp.audit(path, spec="2-2-1")
    assert [(finding.verdict, finding.where) for finding in audit] == [
        ("right", "line 3"), ("right", "line 9"), ("wrong", "line 9")]
    assert main(["audit", str(path), "--spec", "2-2-1"]) == 1
    assert "3 claims" in capsys.readouterr().out


def test_latex_documents():
    text = "% $a = b$\n\\begin{align*} x &= y \\end{align*} \\verb and $z=1$"
    assert [found.strip() for _, found in formulas_of(text, ".tex")] == ["x &= y", "z=1"]


def test_figures_of_a_spec():
    audit = gp.audit("2-2-1")
    assert len(audit) == 40
    assert audit.counts["right"] == sum(f.verdict == "right" for f in audit) > 10


@pytest.mark.parametrize(("text", "said"), [
    ("claims = 3", "specs: expected tables"), ("[specs.a]\nfile = '2-2-1'\n[[claims]]\nfoo = 1",
                                              "claim 1: unknown key 'foo'"),
    ("[specs.a]\nfile = '2-2-1'\n[[claims]]\nwhere = 'x'", "expected one of formula"),
    ("[specs.a]\nfile = '2-2-1'\n[[claims]]\nspec = 'b'\nformula = 'a = b'", "no [specs.b]"),
    ("[specs.a]\nfile = '2-2-1'\n[[claims]]\nformula = 'E'", "states nothing"),
    ("[specs.a]\nfile = '2-2-1'\n[[claims]]\nof = 'E'\nnumber = 'x'", "expected a decimal"),
    ("[specs.a]\nlayout = 'x'\nfile = '2-2-1'", "layout: expected"),
    ("[specs.a]\nequations = 'L = '", "specs.a"), ("[specs.a]\nbad = 1", "unknown key 'bad'"),
    ("x = [", "is not valid TOML"), ("[specs.a]\nfile = 'lenet'", "dense networks"),
])
def test_bad_files(text, said, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClaimsError) as error:
        gp.audit(path)
    assert said in str(error.value)


def test_bad_documents(tmp_path, capsys):
    path = tmp_path / "notes.md"
    path.write_text("nothing", encoding="utf-8")
    assert main(["audit", str(path)]) == 2
    assert "--spec" in capsys.readouterr().err
    assert main(["audit", str(path), "--spec", "2-2-1"]) == 2
    assert "nothing to audit" in capsys.readouterr().err


LEAST_SQUARES = {"equations": "L = sum((X @ w - y)**2) / m",
                 "shapes": {"X": "m n", "w": "n", "y": "m"}}


@pytest.mark.parametrize(("below", "above", "due"), [
    ("i=1", "m", "right"), ("i=0", "m-1", "right"), ("i=1", "N", "right"), ("i=1", "n", "wrong"),
    ("i=1", "m-1", "wrong"), ("i=0", "m", "wrong"), ("i=1", "3", "wrong"), ("i=1", "j", "unread"),
    ("i=1", "N-1", "unread"), ("i=2", "m", "unread"), ("i>j", "m", "unread"),
])
def test_a_sum_runs_over_a_whole_axis(below, above, due):
    formula = (rf"\frac{{\partial L}}{{\partial w_j}} = \frac2m \sum_{{{below}}}^{{{above}}} "
               r"(X w - y)_i X_{ij}")
    audit = gp.audit({"specs": {"lin": LEAST_SQUARES}, "claims": [{"formula": formula}]})
    assert [one.verdict for one in audit.findings] == [due]


def test_a_name_for_a_length_is_the_same_length_wherever_it_stands():
    formula = (r"\frac{\partial L}{\partial w_j} = \frac2m \sum_{i=1}^N "
               r"(\sum_{k=1}^{%s} X_{ik} w_k - y_i) X_{ij}")
    for inner, due in (("D", "right"), ("N", "wrong")):
        claim = {"formula": formula % inner}
        audit = gp.audit({"specs": {"lin": LEAST_SQUARES}, "claims": [claim]})
        assert [one.verdict for one in audit.findings] == [due]


@pytest.mark.parametrize(("formula", "due"), [
    (r"L = \|X w - y\|^2 / m", "right"), (r"L = \|X w - y\|_2^2 / m", "right"),
    (r"L = \|X w - y\|_1^2 / m", "wrong"), (r"L = \|X w - y\|_3^2 / m", "unread"),
    (r"L = \|X w - y\|_A^2 / m", "unread"), (r"L = \|X w - y\|_\infty^2 / m", "unread"),
    (r"\|X\|_F^2 = \operatorname{tr}(X^\top X)", "right"),
    (r"\|X\|_2^2 = \operatorname{tr}(X^\top X)", "unread"),
    (r"\|X\| = \|X\|_F", "unread"),
])
def test_a_norm_is_the_one_that_its_index_says(formula, due):
    audit = gp.audit({"specs": {"lin": LEAST_SQUARES}, "claims": [{"formula": formula}]})
    assert [one.verdict for one in audit.findings] == [due]


SCORES = {"equations": "p = softmax(W @ x)\nL = -sum(t * log(p))",
          "shapes": {"W": "k n", "x": "n", "t": "k"}}


@pytest.mark.parametrize(("formula", "due"), [
    (r"L = -\sum_k t_k \ln p_k", "right"), (r"L = -t^\top \log p", "right"),
    (r"L = -\sum_k t_k \log_2 p_k", "unread"), (r"L = -\sum_k t_k \log_{10} p_k", "unread"),
    (r"L = -t^\top \log^{(2)} p", "unread"), (r"p = \mathrm{softmax}_i(W x)", "unread"),
    (r"p = I_k \mathrm{softmax}(W x)", "right"), (r"p = I_n \mathrm{softmax}(W x)", "wrong"),
    (r"\mathbf{1}_k^\top p = 1", "right"), (r"\mathbf{1}_n^\top p = 1", "wrong"),
])
def test_what_is_written_below_a_name_is_not_passed_over(formula, due):
    audit = gp.audit({"specs": {"scores": SCORES}, "claims": [{"formula": formula}]})
    assert [one.verdict for one in audit.findings] == [due]


@pytest.mark.parametrize(("formula", "verdict", "why"), [
    (r"\frac{d}{dx} x^n = n x^{n-1}", "undecided", "proved where x is positive"),
    (r"\frac{d}{dx} x^n = n x^{n}", "wrong", "the sides differ"),
    (r"\frac{d}{dx} x^3 = 3 x^2", "right", "proved for all values"),
])
def test_a_power_with_any_exponent_says_where_it_is_proved(formula, verdict, why):
    (finding,) = gp.audit({"specs": {"a": {"equations": "y = x", "shapes": {"x": "", "n": ""}}},
                           "claims": [{"formula": formula}]})
    assert (finding.verdict, why in finding.why) == (verdict, True)
