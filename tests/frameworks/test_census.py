"""Some rows of the census: derivatives of public packages, proved where they lie."""

import importlib
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.peers
ROWS = {  # table: what it needs, the rows
    "hips": (("autograd", "scipy"), (
        "tanh ((m, n))", "tan ((m, n))", "hypot by x ((m, n) and (n,))",
        "power by y ((m, n) and (m, n))",
        "maximum by x ((m, n) and (m, n))", "mean (m n, axis=0)",
        "max (m n, axis=1, keepdims=True)",
        "matmul by y (b m n and n k)", "tensordot by x (a m n and m n k, 2)", "inv (n n)",
        "kron by y (m n and 2 3)", "erf ((m, n))", "logsumexp ((m, n), axis=1)",
        "diag (3 4)")),
    "torch_formulas": (("torch", "yaml"), (
        "acosh by self", "addcdiv by tensor2", "addcdiv by tensor2, tangent", "baddbmm by batch1",
        "log10 by self", "erfinv by self", "xlogy.Tensor by other", "clamp_min by self",
        "where.self by other", "addr by vec1")),
    "jax_rules": (("jax",), (
        "lax.exp", "lax.tanh", "lax.logistic", "lax.asin", "lax.erf", "lax.div by y",
        "lax.integer_pow, 3", "jax.nn.relu", "jax.scipy.special.logit")),
}
PLACES = [(table, what) for table, (_, rows) in ROWS.items() for what in rows]


@pytest.fixture
def rows(request, monkeypatch):
    for name in ROWS[request.param][0]:
        pytest.importorskip(name)
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "benchmarks"), *sys.path])
    module = importlib.import_module(f"census_rows.{request.param}")
    return {row.what: row for row in module.rows()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("rows", "what"), PLACES, indirect=["rows"])
def test_a_derivative_of_a_package_is_proved(rows, what):
    row = rows[what]
    if row.module.startswith("jax"):
        jax = pytest.importorskip("jax")
        with jax.enable_x64(True):
            found = row.check(importlib.import_module(row.module))
    else:
        found = row.check(importlib.import_module(row.module))
    assert found.verdict == ("refuted" if row.wrong else "proved"), str(found)
