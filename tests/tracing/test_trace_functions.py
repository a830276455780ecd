"""NumPy's functions on traced arrays, name by name: the equations compute what NumPy computes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traced_values import same_values

import gradproof as gp
from gradproof.symbolic.tracing.run import TraceError, trace

trapezoid = getattr(np, "trapezoid", None) or np.trapz
POSITIVE = {"x": gp.Array("n", kind="positive")}
VECTOR, MATRIX, SQUARE, STACK = {"x": "n"}, {"x": "m n"}, {"x": "n n"}, {"x": "m n 3"}
LABELS = {"x": "m k", "y": gp.Array("m", kind="labels k")}


def copied_into(x):
    out = np.empty_like(x)
    np.copyto(out, x)
    np.copyto(out, 2 * x, where=x > 0)
    np.putmask(out, out < -1, -1)
    np.place(out, out > 1, [1])
    return out


def diagonal_filled(x):
    out = x.copy()
    np.fill_diagonal(out, 3)
    out[np.diag_indices_from(out)] += x[0]
    return out


def along_rows(x, y):
    out = np.zeros_like(x)
    np.put_along_axis(out, y[:, None], 5.0, axis=1)
    return out + np.take_along_axis(x, y[:, None], axis=1)


def rows_set(x):
    out = x.copy()
    out[x[:, 0] > 0] = 0
    out[x.sum(axis=1) > 1] *= 2
    return out


def products_of_rows(x):
    chosen = x[:, 0] > 0
    rows = x[chosen]
    return rows.T @ rows + x[chosen].sum(axis=0) + rows.T.dot(x[:, 1][chosen])[:, None] + len(rows)


def of_places(x):
    return x[np.where(x > 0)].sum() + x[np.nonzero(x < 1)].mean() + np.where(x > 0)[0].size


def with_out(x):
    total, product = np.empty(x.shape[1]), np.empty((x.shape[0], x.shape[0]))
    np.sum(x, axis=0, out=total)
    np.dot(x, x.T, out=product)
    return product @ x + total


def every_and_any(x):
    return x * np.all(x > -1, axis=1, keepdims=True) + np.any(x > 1, axis=0) + np.isclose(x, x)


def entry_by_entry(v):
    return v * np.exp(-v) + 2


def softplus_by_reduction(x):
    return np.logaddexp.reduce(x, axis=1) + np.maximum.reduce([x, 2 * x, 3 * x]).sum(axis=1)


def lower_triangle(x):
    return x[np.tril_indices(x.shape[0], -1)].sum() + x[np.triu_indices_from(x, 1)].mean()


CASES = [
    # taken, left out, put in
    (lambda x: np.take(x, [0, 2], axis=1) + x.take([[1], [0]], 1)[..., 0], {"x": "m 3"}),
    (lambda x, y: np.take(x, y, axis=1), {"x": "m k", "y": gp.Array("m", kind="labels k")}),
    (along_rows, LABELS), (lambda x: np.take_along_axis(x, np.zeros((2, 3), int), 0), {"x": "2 3"}),
    (lambda x: np.delete(x, 1, axis=1), {"x": "m 3"}), (lambda x: np.delete(x, -1), {"x": "5"}),
    (lambda x: np.delete(x, 0, axis=0), {"x": "4 n"}), (lambda x: np.delete(x, [0, 3]), {"x": "5"}),
    (lambda x: np.delete(x, slice(1, 3), 0), {"x": "5 n"}),
    (lambda x: np.insert(x, 0, 1, axis=1), MATRIX), (lambda x: np.insert(x, 2, x[:2]), {"x": "5"}),
    (lambda x: np.insert(x, 1, x[:, 0], axis=1), {"x": "m 3"}),
    (lambda x: np.insert(x, 0, 7), VECTOR),
    (lambda x: np.compress([True, False, True], x, axis=1), {"x": "m 3"}),
    (copied_into, MATRIX), (diagonal_filled, SQUARE), (rows_set, MATRIX),
    # masks
    (products_of_rows, MATRIX), (of_places, MATRIX), (lower_triangle, {"x": "4 4"}),
    (lambda x: x[np.triu_indices(x.shape[0])].sum(), SQUARE),
    (lambda x: np.count_nonzero(x > 0) * x + np.count_nonzero(x, axis=0), MATRIX),
    (lambda x: np.select([x > 1, x < -1], [x, 2 * x], 3), MATRIX),
    (lambda x: np.piecewise(x, [x > 1, x < -1], [lambda z: z**2, 4, lambda z: -z]), VECTOR),
    (lambda x: np.choose(x > 0, [x, 2 * x]), MATRIX), (every_and_any, MATRIX),
    (lambda x: np.sum(x, where=x > 0) + np.mean(x, axis=0, where=x < 9), MATRIX),
    (lambda x: np.max(x, initial=0) + x.min(axis=0, initial=-1.0, where=x > 0), MATRIX),
    (lambda x: np.sum(x, initial=2.0) * np.prod(x[:2], initial=3), VECTOR),
    (lambda x: np.nansum(x) + np.nanmean(x, axis=0) + np.nanmax(x) - np.nanstd(x), MATRIX),
    (lambda x: np.where(np.isnan(x) | np.isinf(x), 0, x) * np.isfinite(x), MATRIX),
    # sums and products
    (lambda x: np.cumprod(x, axis=1) + x.cumprod(axis=1), {"x": "m 3"}),
    (lambda x: np.logaddexp.accumulate(x) + np.maximum.accumulate(x), {"x": "5"}),
    (softplus_by_reduction, MATRIX),
    (lambda x: np.add.outer(x, x) - np.subtract.outer(x, x), VECTOR),
    (lambda x: np.maximum.outer(x, x) * np.multiply.outer(x, x), VECTOR),
    (lambda x: np.average(x, axis=1, weights=x[0] ** 2) + np.average(x, weights=x**2), MATRIX),
    (lambda x: np.cov(x) + np.cov(x.T, rowvar=False, bias=True), {"x": "3 4"}),
    (np.corrcoef, {"x": "3 4"}), (lambda x: np.ptp(x, axis=1), MATRIX),
    (lambda x: np.argmax(x) + x.argmin() * 1.0, MATRIX),
    (lambda x: np.diff(x, prepend=0, append=x[:, -1:]), MATRIX),
    (lambda x: trapezoid(x) + trapezoid(x, dx=0.5, axis=0).sum(), {"x": "3 4"}),
    (lambda x: trapezoid(x, np.array([0, 1, 3, 4.5])), {"x": "m 4"}),
    (lambda x: np.gradient(x) - np.gradient(x, 0.5), {"x": "5"}),
    (lambda x: np.convolve(x, [1, 2, -1]) ** 2, VECTOR),
    (lambda x: np.convolve(x[:3], x, "same"), {"x": "6"}),
    (lambda x: np.convolve(x, x[:4], "same") + np.convolve(x, x[1:3], "same"), {"x": "7"}),
    (lambda x: np.convolve(x, x[:3], "valid") + np.correlate(x, x[1:4]), {"x": "6"}),
    (lambda x: np.correlate(x, x[:2], "full"), {"x": "5"}),
    (lambda x: np.polyval([2, -1, 3], x) + np.vander(x, 3).sum(axis=1), VECTOR),
    (lambda x: np.linspace(0, 1, x.shape[0]) * x + np.linspace(1, 2, 3).sum(), {"x": "5"}),
    (lambda x: np.linspace(-1, 1, x.shape[0], endpoint=False) * x, VECTOR),
    # windows
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2), {"x": "5"}),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 3), axis=(1, 2)), {"x": "m 4 5"}),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2))[::2].sum(axis=(2, 3)),
     {"x": "4 5"}),
    # diagonals, turned, put together
    (lambda x: np.diag(x, 1) @ np.diag(x, -1), VECTOR), (lambda x: np.diag(x, -1), {"x": "4 4"}),
    (lambda x: np.diagonal(x, axis1=1, axis2=2) + np.trace(x, axis1=1, axis2=2)[:, None],
     {"x": "m n n"}),
    (lambda x: np.diagonal(x, 1) * np.trace(x, offset=-1), {"x": "3 4"}),
    (lambda x: x.diagonal() * x.trace(), SQUARE), (lambda x: np.diagflat(x, 1), {"x": "2 2"}),
    (lambda x: np.kron(x, x[:2]), {"x": "3"}), (lambda x: np.kron(x[0], x), {"x": "2 3"}),
    (lambda x: np.roll(x, (1, -1), axis=(0, 1)) + np.roll(x, 1, (0, 1)), {"x": "3 4"}),
    (lambda x: np.rot90(x), {"x": "3 4"}),
    (lambda x: np.rot90(x, 3) + np.rot90(x, -1), {"x": "3 4"}),
    (lambda x: np.rot90(x, 2, axes=(1, 2)), STACK),
    (lambda x: np.block([[x, np.ones((2, 1))], [np.zeros((1, 3)), 2]]), {"x": "2 3"}),
    (lambda x: np.dstack([x, 2 * x]) + np.atleast_3d(x), MATRIX),
    (lambda x: np.c_[np.ones(x.shape[0]), x, x[:, 0]], MATRIX),
    (lambda x: np.r_[1, x, x[0]], VECTOR),
    (lambda x: np.meshgrid(x, 2 * x[:2])[0] * np.meshgrid(x, x[:2], indexing="xy")[1], {"x": "4"}),
    (lambda x: np.broadcast_arrays(x, x[0])[1] * np.stack(np.broadcast_arrays(x, 2))[1], MATRIX),
    (lambda x: np.cross(x, x[0]), {"x": "m 3"}), (lambda x: np.repeat(x, [2, 0, 1]), {"x": "3"}),
    (lambda x: np.pad(x, 1, constant_values=2), MATRIX), (lambda x: np.pad(x, 1, "edge"), MATRIX),
    (lambda x: np.pad(x, ((0, 0), (1, 2)), mode="reflect"), {"x": "m 4"}),
    (lambda x: np.pad(x, 2, mode="symmetric") * np.pad(x, 2, mode="wrap"), {"x": "4"}),
    (lambda x: x.reshape(-1, order="F") + x.ravel("F") * x.flatten("F"), {"x": "2 3"}),
    (lambda x: x.T.reshape(x.shape, order="F").reshape((x.shape[1], -1), order="F"), MATRIX),
    (lambda x: np.apply_along_axis(lambda v: v / np.sum(v**2), 1, x), {"x": "3 n"}),
    (lambda x: np.vectorize(entry_by_entry)(x) + np.vectorize(max)(1.0, 2.0), MATRIX),
    (lambda x: np.asfortranarray(x).real + np.require(x, float).conj().view(), MATRIX),
    (lambda x: sum(x.tolist()) + x.flat[1] + max(x.tolist()[0], 2.0), {"x": "3"}),
    # products
    (lambda x: np.einsum("...i,...i->...", x, x), STACK),
    (lambda x: np.einsum("...ij->...ji", x), STACK),
    (lambda x: np.einsum(x, [0, 1], x, [0, 2], [1, 2]), MATRIX),
    (lambda x: np.einsum("ij,ik", x, x, optimize=True), MATRIX),
    (lambda x: np.einsum("...ij,j", x, x[0, 0]), STACK),
    (lambda x: np.dot(x, x[0, 0]) + np.dot(x, np.ones((3, 2)))[..., 0], STACK),
    (lambda x: np.dot(x[0], np.moveaxis(x, 1, 2)), STACK),
    (lambda x: np.inner(x, x[:2]), {"x": "3 n"}),
    (lambda x: np.inner(x, x[0]), STACK), (lambda x: np.tensordot(x, x, axes=0), VECTOR),
    (lambda x: np.tensordot(x, x, axes=([0], [0])), MATRIX), (with_out, MATRIX),
    # linear algebra
    (lambda x: np.linalg.cholesky(x @ x.T + np.eye(x.shape[0])), SQUARE),
    (lambda x: np.linalg.matrix_power(x, 3) + np.linalg.matrix_power(x + 9 * np.eye(3), -2),
     {"x": "3 3"}),
    (lambda x: sum(np.linalg.norm(x, p, axis=1) for p in (1, 2, 3, np.inf, -np.inf)), MATRIX),
    (lambda x: sum(np.linalg.norm(x, p) for p in (1, -1, np.inf, "fro")), MATRIX),
    (lambda x: np.linalg.norm(x, axis=(1, 2)) + np.linalg.norm(x, 1, axis=(1, 2)), STACK),
    (lambda x: np.linalg.norm(x, np.inf, (0, 1), keepdims=True), MATRIX),
    (lambda x: np.linalg.norm(x, ord=0) + np.linalg.norm(x, 2.5) + np.linalg.norm(x, 4), VECTOR),
    # entry by entry
    (lambda x: np.arcsin(np.tanh(x)) + np.arccos(np.tanh(x)) + np.arctanh(np.tanh(x)), VECTOR),
    (lambda x: np.arcsinh(x) + np.arccosh(1 + x**2), VECTOR),
    (lambda x: np.arctan2(x, x[::-1]) + np.arctan2(x, 1), VECTOR),
    (lambda x: np.cbrt(x) + np.copysign(2, x) + np.degrees(x) + np.rad2deg(x), VECTOR),
    (lambda x: np.logaddexp2(x, 1) + np.sinc(x), VECTOR),
]  # fmt: skip


@pytest.mark.parametrize(("function", "inputs"), CASES, ids=[
    f"{k}-{getattr(f, '__name__', '')}" for k, (f, _) in enumerate(CASES)])
def test_the_equations_compute_what_numpy_computes(function, inputs):
    same_values(function, inputs)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_reductions_over_any_axes(data):
    ndim = data.draw(st.integers(1, 3))
    shape = " ".join(str(data.draw(st.integers(1, 3))) for _ in range(ndim))
    axis = data.draw(st.one_of(st.none(), st.integers(-ndim, ndim - 1)))
    keepdims = data.draw(st.booleans())
    name = data.draw(st.sampled_from(["sum", "mean", "max", "min", "std", "prod", "ptp", "argmax",
                                      "cumsum", "cumprod", "count_nonzero", "average"]))
    options = {} if name in ("cumsum", "cumprod", "argmax") else {"keepdims": keepdims}
    same_values(lambda x: getattr(np, name)(x, axis=axis, **options) * 1.0, {"x": shape}, ({},))


@pytest.mark.parametrize(("function", "shape", "message"), [
    (lambda x: np.maximum.accumulate(x), "n", "symbolic size n"),
    (lambda x: np.sort(x), "n", "order"),
    (lambda x: np.linalg.svd(x), "n n", "singular values"), (lambda x: np.fft.fft(x), "n", "fft"),
    (lambda x: np.linalg.eigh(x), "n n", "eigenvalues"), (lambda x: np.median(x), "n", "order"),
    (lambda x: x[x > 0] @ x, "n", "unknown number"),
    (lambda x: np.delete(x, [0, 1, 2], axis=0), "3 n", "every"),
    (lambda x: np.vectorize(lambda v: v if v > 0 else 0)(x), "n", "branch depends"),
    (lambda x: np.vectorize(lambda v: np.ones(2) * v)(x), "n", "give a number"),
    (lambda x: x[:, 0][x[:, 1] > 0] + x[:, 0][x[:, 0] > 0], "m 2", "another selects"),
    (lambda x: np.einsum("ij...,k->ij", x, x), "n", "does not fit"),
    (lambda x: np.triu_indices(x.shape[0])[0] + 1, "n", "as numbers|unknown number|unsupported"),
])
def test_what_is_not_traced_is_explained(function, shape, message):
    with pytest.raises(TraceError, match=message):
        trace(function, {"x": shape})


# --- draws, checks of values, constants ---------------------------------------------------------


def draws_that_nobody_reads(x):
    order = np.random.permutation(x.shape[0])
    np.random.shuffle(order)
    rng = np.random.default_rng(0)
    rng.multivariate_normal(np.zeros(2), np.eye(2), size=3)
    rng.choice(5, 2, replace=False)
    return 2 * x


def draw_that_is_read(x):
    return x[np.random.permutation(x.shape[0])]


def checked(x):
    assert np.all(x < 1e9), "too large"
    assert not np.isnan(x).any() and x.ndim == 1  # noqa: PT018
    if np.any(x > 1e9) or x.shape[0] < 1:
        raise ValueError("too large")
    return 2 * x


def caught(x):
    try:
        if np.any(x > 1):
            raise ValueError
    except ValueError:
        return 3 * x
    return 2 * x


def caught_further_up(x):
    try:
        return checked(x)
    except ValueError:
        return 3 * x


def chosen_not_stopped(x):
    if np.any(x > 1):
        return 3 * x
    return 2 * x


def test_a_draw_that_no_result_reads_does_not_matter():
    same_values(draws_that_nobody_reads, VECTOR)
    with pytest.raises(TraceError, match="permutation"):
        trace(draw_that_is_read, VECTOR)


def test_what_only_stops_the_function_is_assumed_not_to():
    same_values(checked, VECTOR)
    assert sum("stops nothing" in text for text in trace(checked, VECTOR).assumptions) == 3


@pytest.mark.parametrize("function", [caught, caught_further_up, chosen_not_stopped])
def test_a_value_that_decides_is_still_a_branch(function):
    with pytest.raises(TraceError, match="a branch depends"):
        trace(function, VECTOR)


@pytest.mark.parametrize(("loss", "gradient", "verdict"), [
    (lambda x: np.sum(np.abs(x) ** (1 / 3)), lambda x: np.sign(x) * np.abs(x) ** (-2 / 3) / 3,
     "proved"),
    (lambda x: np.sum(x**2) * 2**0.5, lambda x: 2 * np.sqrt(2) * x, "proved"),
    (lambda x: np.sum(x**2) * (1 / 3), lambda x: 2 * x / 3, "proved"),
    (lambda x: np.sum(x**2) * 0.5772156649015329, lambda x: 2 * 0.5772156649015328 * x, "agrees"),
    (lambda x: np.sum(x**2) * 0.7978845608028654, lambda x: 2 * np.sqrt(2 / np.pi) * x, "proved"),
    (lambda x: np.sum(x**2) * 1.7724538509055159, lambda x: 2 * np.pi**0.5 * x, "proved"),
    (lambda x: np.sum(x) * 0.31830988618379067, lambda x: np.ones_like(x) / np.pi, "proved"),
    (lambda x: np.sum(x**2) * 3.141592653589793, lambda x: 2 * 3.14159265358979 * x, "agrees"),
    (lambda x: np.sum(np.abs(x) ** (1 / 3)), lambda x: np.sign(x) * np.abs(x) ** (-2 / 3) / 2,
     "refuted"),
])
def test_a_float_is_the_short_fraction_or_root_that_it_was_computed_from(loss, gradient, verdict):
    result = gp.check(loss, gradient, wrt=["x"], x="n", repair_seconds=0)
    assert result.verdict == verdict, str(result)


# --- what is a view, and what a copy ------------------------------------------------------------


def written_into_copies(x):
    for copied in (np.take(x, 0, axis=1), np.pad(x, 0, "edge"), np.meshgrid(x[0], sparse=True)[0],
                   np.delete(x, 0, axis=1), np.compress([True, True, False], x, axis=1)):
        copied += 1
    return x * 2


def written_into_views(x):
    np.rot90(x, 0)[0] = 5
    x.view()[1] = 7
    np.unstack(x, axis=1)[2][0] = 8
    return x * 2


def read_after_a_write(x):
    diagonal = np.diagonal(x)
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    x[0, 0] = 3
    return diagonal.sum() * windows


def test_views_see_what_is_written_and_copies_do_not():
    same_values(written_into_copies, {"x": "m 3"})
    same_values(read_after_a_write, {"x": "3 3"})
    if hasattr(np, "unstack"):
        same_values(written_into_views, {"x": "m 3"}, ({"m": 4}, {"m": 2}))
